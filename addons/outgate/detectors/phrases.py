"""Literal phrases in any case, in text that comes in pieces: the same are found however it is cut.

The leftmost phrase counts, and of those that begin with it the longest. So nothing is decided about a tail that may still become a
phrase, or a longer one. Case is folded character by character (Unicode simple case folding), so that positions stay.
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.detectors import escapes
from outgate.errors import Denial
from outgate.inference.judge import ON, Cut, Decision, Judge, Part, Pass, Replace
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event
from outgate.inference.verdict import Action, Extent, Match, Verdict


class Found(NamedTuple):
    """A phrase at `start` up to `end`; `number` is its place in the list, from 1."""

    start: int
    end: int
    number: int


class Phrases:
    """A list of phrases. With `words`, only where neither end is inside a word."""

    def __init__(self, phrases: Sequence[str], *, words: bool = False) -> None:
        self._numbers = {fold(phrase): number for number, phrase in reversed(list(enumerate(phrases, start=1)))}
        self._sorted = sorted(self._numbers)
        self.words = words
        self._first = {phrase[0] for phrase in self._sorted}
        self.longest = max(map(len, self._sorted))
        pattern = _pattern(_tree(self._sorted))
        self._pattern = re.compile(rf"(?<!\w){pattern}(?!\w)" if words else pattern)

    def find(self, text: str, begin: int = 0, *, final: bool = True) -> tuple[list[Found], int]:
        """The phrases that begin at `begin` or later, and where the tail begins that is undecided until more comes."""
        folded = fold(text)
        found: list[Found] = []
        undecided = len(text) if final else self._undecided(folded, begin)
        while (match := self._pattern.search(folded, begin)) is not None and match.start() < undecided:
            begin = match.end()
            found.append(Found(match.start(), begin, self._numbers[match[0]]))
            if begin > undecided:
                undecided = self._undecided(folded, begin)
        return found, undecided

    def _undecided(self, folded: str, begin: int) -> int:
        for at in range(max(begin, len(folded) - self.longest), len(folded)):
            if folded[at] in self._first and self._begins(folded[at:]):
                return at
        return len(folded)

    def _begins(self, tail: str) -> bool:
        """Whether a phrase begins with this, and is longer; as a word, one that ends here is not known to end."""
        at = bisect_left(self._sorted, tail)
        if not self.words and at < len(self._sorted) and self._sorted[at] == tail:
            at += 1
        return at < len(self._sorted) and self._sorted[at].startswith(tail)


def fold(text: str) -> str:
    """The text without difference of case, as many characters long."""
    folded = text.lower() if text.isascii() else text.casefold()
    return folded if len(folded) == len(text) else "".join(map(_folded, text))


def _folded(character: str) -> str:
    return next((one for one in (character.casefold(), character.lower()) if len(one) == 1), character)


def _tree(phrases: Iterable[str]) -> Mapping[str, Any]:
    """Phrases by their characters; the end of one is the empty key."""
    root: dict[str, Any] = {}
    for phrase in phrases:
        node = root
        for character in phrase:
            node = node.setdefault(character, {})
        node[""] = {}
    return root


def _pattern(root: Mapping[str, Any]) -> str:
    """A regular expression that finds the longest of these, and tries no character twice at one place."""
    pieces: list[str] = []
    waiting: list[tuple[str, Mapping[str, Any]] | str] = [("", root)]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            pieces.append(item)
            continue
        character, node = item
        pieces.append(re.escape(character))
        longer = [(key, below) for key, below in sorted(node.items()) if key]
        if not longer:
            continue
        if len(longer) > 1 or "" in node:
            pieces.append("(?:")
            waiting.append(")?" if "" in node else ")")
        for index, branch in enumerate(longer):
            waiting.append(branch)
            if index < len(longer) - 1:
                waiting.append("|")
    return "".join(pieces)


class _Seen(NamedTuple):
    """What a part has said: its end, from where in that a phrase may begin, and from where nothing of it was replaced."""

    text: str = ""
    begin: int = 0
    free: int = 0


_NOTHING = _Seen()
_JOINED = frozenset({Channel.ASSISTANT, Channel.REASONING})
_WITHIN = re.compile(r"\w\w?")


class PhraseJudge(Judge):
    """Looks for phrases in the parts of an answer, and holds back what may become one. None for `replacement` denies.

    A phrase that one part begins and the next of its name goes on with is one too, unless it is of another choice or a repetition.
    The end of a part is the end of a word: where two parts meet within a word, whole words are looked for in each alone.
    """

    def __init__(self, phrases: Phrases, replacement: str | None, channels: frozenset[Channel]) -> None:
        self.window = escapes.LONGEST * (phrases.longest + 1)
        self.channels = channels
        self._phrases = phrases
        self._replacement = replacement
        self._looks = channels
        self._parts: dict[Hashable, _Seen] = {}
        self._closed: dict[Hashable, _Seen] = {}
        self._matches: Counter[int] = Counter()
        self._characters: Counter[Channel] = Counter()
        self._read: dict[Channel, set[Hashable]] = {}

    def judge(self, part: Part, text: str, final: bool, /) -> Decision:  # noqa: FBT001
        seen = self._parts.pop(part.key, None)
        if seen is None:
            seen = self._before(part, text)
        piece = escapes.read(text, final=final) if part.escaped else escapes.Read(text, range(len(text) + 1))
        whole, ahead = seen.text + piece.text, len(seen.text)
        found, undecided = self._phrases.find(whole, seen.begin, final=final)
        done = piece.places[undecided - ahead] if undecided >= ahead else 0
        if found and self._replacement is None:
            return self._refused(part, found[0], piece.places[found[0].end - ahead])
        self._note(part.channel, part.key, done)
        if done:
            seen = self._after(whole[:undecided], found, seen)
        if not final:
            self._parts[part.key] = seen
        elif part.channel in _JOINED and not part.repeated:
            self._closed[row_of(part)] = seen._replace(begin=seen.free)
        if not found:
            return ON if done == len(text) else Pass(len(text) - done)
        self._matches.update(one.number for one in found)
        instead = (self._replacement or "").translate(escapes.ESCAPES if part.escaped else {})
        pieces: list[str] = []
        at = 0
        for one in found:
            pieces += (text[at : piece.places[max(0, one.start - ahead)]], instead)
            at = piece.places[one.end - ahead]
        return Replace("".join((*pieces, text[at:done])), len(text) - done)

    def _before(self, part: Part, text: str) -> _Seen:
        """What the part goes on with when it begins."""
        seen = _NOTHING if part.repeated else self._closed.get(row_of(part), _NOTHING)
        within = self._phrases.words and _WITHIN.fullmatch(seen.text[-1:] + text[:1])
        return _NOTHING if within else seen

    def _refused(self, part: Part, found: Found, read: int) -> Cut:
        """What stands behind the first phrase does not count as read."""
        self._matches[found.number] += 1
        self._note(part.channel, part.key, read)
        message = f"The answer was refused by policy (phrase_{found.number})."
        return Cut(Denial(code="answer_refused", status=403, message=message))

    def passed(self, event: Event, /) -> None:
        """Texts of other channels are counted, as what was not read."""
        if len(self._looks) < len(Channel):
            for text in event.texts:
                if text.channel not in self._looks:
                    self._note(text.channel, text.part, len(text.text))

    def verdict(self) -> Verdict:
        acted = Action.DENIED if self._replacement is None else Action.REPLACED
        extents = [Extent(channel, len(parts), self._characters[channel]) for channel, parts in sorted(self._read.items())]
        return Verdict(
            action=acted if self._matches else Action.ALLOWED,
            matches=tuple(Match(f"phrase_{number}", "phrase", count) for number, count in sorted(self._matches.items())),
            scanned=tuple(extent for extent in extents if extent.kind in self._looks),
            unjudged=tuple(extent for extent in extents if extent.kind not in self._looks),
        )

    def _after(self, decided: str, found: Sequence[Found], seen: _Seen) -> _Seen:
        """The end of a part, as long as a phrase that begins in it can be."""
        free = found[-1].end if found else seen.free
        start = max(0, len(decided) - self._phrases.longest - 1)
        return _Seen(decided[start:], len(decided) - start, max(min(start, 1), free - start))

    def _note(self, channel: Channel, part: Hashable, characters: int) -> None:
        self._read.setdefault(channel, set()).add(part)
        self._characters[channel] += characters


def row_of(part: Part) -> Hashable:
    """Parts that are read one after another: of one channel and name, in one choice."""
    way: tuple[Any, ...] = part.key  # type: ignore[assignment]
    choice = way[:2] if way[0] == "choices" else ()
    name = way[-1] if way[-1].__class__ is str else ""
    return part.channel, choice, name, "top_logprobs" in way
