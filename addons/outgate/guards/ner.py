"""Name persons, places and organisations in the model server: an item is a piece of prose, options are the kinds asked about.

The result is a list of `[kind, start, end, score]`. A token classifier labels words; countries are known by a list, organisations
by their legal form. Parts of an address that stand together are one place.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.kinds import LOCATION, NAMES, ORGANIZATION, PERSON, POSTAL_CODE
from outgate.detectors.names.lists import countries, organisations
from outgate.detectors.normalise import Folded, normalise
from outgate.model_server.scheduler import Bounds

_STREET = frozenset({"BUILDING_NUMBER", "STREET_NAME", "SECONDARY_ADDRESS"})
_PARTS = {
    PERSON: frozenset({"GIVEN_NAME", "SURNAME"}),
    LOCATION: _STREET | {"CITY", "STATE"},
    POSTAL_CODE: frozenset({"ZIP_CODE"}),
}
SURE = {PERSON: 0.5, LOCATION: 0.2, POSTAL_CODE: 0.5}
"""Probability from which a word is of a kind."""
_BESIDE = 0.05
"""Probability from which a word beside a name is a part of it."""
_PARTICLES = frozenset(
    {"al", "bin", "da", "de", "del", "della", "den", "der", "di", "do", "dos", "du", "el", "la", "le", "van", "von", "y"}
)
"""What stands in small letters within a name."""
_BEHIND, _SMALL_PLACE = 0.05, 0.5
"""Probability from which a word is a place behind a word that places stand behind, and one in small letters anywhere else."""
_PREPOSITION = re.compile(
    r"(?:^|[\s(])(?:in|from|to|near|at|around|outside|between|aus|nach|bei|von|auf|a|ad|en|desde|da|em|para|de|uit|naar|te|van|w|we|z|ze"
    r"|do|i|fra|till|til|of|und|and|y|e|et|town|city|wohnort|localidad):?\s+\Z",
    re.IGNORECASE,
)
_NEAR, _SHORT = 12, 2
"""Characters ahead of a word that are looked at, and letters of a word that is too short."""
_WITHIN = {PERSON: re.compile(r"[\s]{0,2}(?:[-'.]\s?)?"), LOCATION: re.compile(r"[ \t]?(?:[-'./#]\s?)?")}
_BETWEEN = re.compile(r"[ \t]*[,;·-]?[ \t]*(?:\r?\n[ \t]*)?[,]?[ \t]*")
_HYPHENED = re.compile(r"(?:[-\u2010\u2011][^\W\d_]+)+")
_LONGEST_NAME = 80
_COUNTRY = 0.9
_CODE_ALONE, _FEWEST_DIGITS = 0.97, 3
_FIRST_NAMES = frozenset({"Chad", "Jordan", "Israel"})
_SMALL = 0.9
"""Probability from which a word in small letters is a person, in a text that has capitals."""


class Labelled(Protocol):
    """A word of a text, and how likely each label is."""

    @property
    def start(self) -> int: ...

    @property
    def end(self) -> int: ...

    @property
    def labels(self) -> Mapping[str, float]: ...


class Tagger(Protocol):
    """A classifier of words."""

    def words(self, text: str) -> Sequence[Labelled]: ...


class Piece(NamedTuple):
    """One text, which is never cut into more than one piece."""

    folded: Folded

    @property
    def pieces(self) -> tuple[str]:
        return (self.folded.text,)


class _Named(NamedTuple):
    kind: str
    start: int
    end: int
    score: float
    street: bool


class NerModel:
    """The model `ner`."""

    bounds = Bounds(pieces=1, characters=1_024)

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger

    def split(self, item: str) -> Piece:
        return Piece(normalise(item))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[tuple[Finding, ...]]:
        """Findings of each piece, of these kinds. Raises ValueError for a kind that there is not."""
        if not set(options) <= set(NAMES):
            raise ValueError("unknown kind")
        return [self._found(piece, options) for piece in pieces]

    def merge(self, job: Piece, found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
        return disjoint(Finding(one.entity, *job.folded.span(one.start, one.end), one.score) for one in found[0])

    def _found(self, text: str, kinds: Sequence[str]) -> tuple[Finding, ...]:
        found = [one for one in _addresses(text, _runs(text, self._tagger.words(text))) if _is_sure(text, one)]
        named = [Finding(one.kind, one.start, _end(text, one), one.score) for one in found]
        named = _with_countries(named, text)
        named += [Finding(ORGANIZATION, start, end, 0.9) for start, end in organisations(text)]
        return disjoint(one for one in named if one.entity in kinds)


def _end(text: str, one: _Named) -> int:
    """Where a name ends, which never is ahead of its own hyphen."""
    rest = _HYPHENED.match(text, one.end) if one.kind == PERSON else None
    return rest.end() if rest else one.end


def _is_sure(text: str, one: _Named) -> bool:
    """A number alone is a place only where it stands in an address; a postal code alone, if the model has hardly a doubt."""
    written = text[one.start : one.end]
    if one.kind == POSTAL_CODE:
        return one.score >= _CODE_ALONE and sum(map(str.isdigit, written)) >= _FEWEST_DIGITS
    return one.kind != LOCATION or any(map(str.isalpha, written))


def _with_countries(named: list[Finding], text: str) -> list[Finding]:
    """A country is a place, whatever the model took it for, unless it is a part of a longer name or a first name too."""
    for start, end in countries(text):
        over = [one for one in named if one.start < end and start < one.end]
        if not over:
            named.append(Finding(LOCATION, start, end, _COUNTRY))
        elif over == [Finding(PERSON, start, end, over[0].score)] and text[start:end] not in _FIRST_NAMES:
            named[named.index(over[0])] = Finding(LOCATION, start, end, _COUNTRY)
    return named


def _runs(text: str, words: Iterable[Labelled]) -> Iterator[_Named]:
    """Words of one kind that belong together."""
    last: _Named | None = None
    for named in _grown(text, list(words)):
        if last is not None and named is not None and _is_one(text, last, named):
            last = _Named(last.kind, last.start, named.end, max(last.score, named.score), last.street or named.street)
            continue
        if last is not None:
            yield last
        last = named
    if last is not None:
        yield last


def _grown(text: str, words: Sequence[Labelled]) -> list[_Named | None]:
    """What each word names. Beside a name less is enough: a name of which a part stays tells what was hidden."""
    named = [_of(text, word) for word in words]
    for order in (range(1, len(words)), range(len(words) - 2, -1, -1)):
        for at in order:
            beside = named[at - order.step]
            if named[at] is None and beside is not None:
                named[at] = _part_of(text, beside, words[at])
    return named


def _part_of(text: str, beside: _Named, word: Labelled) -> _Named | None:
    """The word as a part of the name next to it, if it may be one."""
    first, last = (beside.end, word.start) if beside.start < word.start else (word.end, beside.start)
    if beside.kind not in _WITHIN or _WITHIN[beside.kind].fullmatch(text, first, last) is None:
        return None
    written, person = text[word.start : word.end], beside.kind == PERSON
    score = sum(word.labels.get(label, 0.0) for label in _PARTS[beside.kind])
    small = written.islower() and written not in _PARTICLES and not text.islower()
    likely = score >= _BESIDE and not (person and small)
    return _Named(beside.kind, word.start, word.end, score, street=False) if likely and any(map(str.isalnum, written)) else None


def _of(text: str, word: Labelled) -> _Named | None:
    small = text[word.start : word.end].islower() and not text.islower()
    surely = SURE | {PERSON: _SMALL if small else SURE[PERSON], LOCATION: _sure_place(text, word, small=small)}
    for kind, labels in _PARTS.items():
        score = sum(word.labels.get(label, 0.0) for label in labels)
        if score >= surely[kind] and any(char.isalnum() for char in text[word.start : word.end]):
            return _Named(kind, word.start, word.end, score, max(word.labels, key=lambda label: word.labels[label]) in _STREET)
    return None


def _sure_place(text: str, word: Labelled, *, small: bool) -> float:
    """Small towns are hardly known to the model: a word ahead makes up for it."""
    written = text[word.start : word.end]
    if len(written) > _SHORT and written.isalpha() and _PREPOSITION.search(text[max(0, word.start - _NEAR) : word.start]):
        return _BEHIND
    return _SMALL_PLACE if small else SURE[LOCATION]


def _is_one(text: str, last: _Named, named: _Named) -> bool:
    if last.kind != named.kind or named.end - last.start > _LONGEST_NAME:
        return False
    return last.kind in _WITHIN and _WITHIN[last.kind].fullmatch(text, last.end, named.start) is not None


def _addresses(text: str, runs: Iterable[_Named]) -> Iterator[_Named]:
    """Places and postal codes that stand together, one of them a street or a postal code, are one place."""
    last: _Named | None = None
    for run in runs:
        if last is not None and _is_address(text, last, run):
            last = _Named(LOCATION, last.start, run.end, max(last.score, run.score), street=True)
            continue
        if last is not None:
            yield last
        last = run
    if last is not None:
        yield last


def _is_address(text: str, last: _Named, run: _Named) -> bool:
    if PERSON in (last.kind, run.kind) or _BETWEEN.fullmatch(text, last.end, run.start) is None:
        return False
    return last.street or run.street or POSTAL_CODE in (last.kind, run.kind)


def load() -> NerModel:
    """The model `ner` of the model server. Raises EngineError where its files are not there or not as they were published."""
    from outgate.model_server.engines.tagger import load_tagger

    return NerModel(load_tagger())
