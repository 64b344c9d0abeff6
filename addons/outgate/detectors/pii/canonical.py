"""Placeholders by kind and order of first appearance: prompts that differ only in what was redacted are one prompt.

`EMAIL_kqwzrtbnmxpd`, the first e-mail address of a prompt, is `EMAIL_1` in text that is compared, and `EMAIL_cbbbbbbbbbbb` (the
number, in letters) in an answer that is kept: as long as the other, so that it takes its place wherever an answer was cut.
Whatever has the shape counts, whoever wrote it: a caller gets back only words that stand in its own prompt, and `restore` decides
whether they mean a value.
"""

import re
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from outgate.detectors.escapes import read
from outgate.detectors.pii.placeholders import ALPHABET, LABELS, LETTERS
from outgate.detectors.pii.spellings import FOUND, RUN
from outgate.inference.stream import Event

_LABELS = "|".join(LABELS.values())
_WORD = re.compile(rf"({_LABELS})_[{ALPHABET}]{{{LETTERS}}}")
_MARKS = tuple(f"{label}_" for label in LABELS.values())
READABLE = re.compile(rf"(?:{_LABELS})_[0-9]", re.IGNORECASE)
"""What somebody writes who knows how compared text names a placeholder."""


class Spot(NamedTuple):
    """Place of a placeholder: index of the text, offset in its canonical form, and which it is."""

    text: int
    offset: int
    name: str


class Names:
    """The placeholders of one prompt. Immutable; holds words of the prompt, never a value."""

    __slots__ = ("_readable", "inward", "outward")

    def __init__(self, words: Iterable[str]) -> None:
        numbers: dict[str, int] = {}
        self._readable: dict[str, str] = {}
        self.inward: dict[str, str] = {}
        for word in words:
            if word not in self._readable:
                label = word.partition("_")[0]
                number = numbers[label] = numbers.get(label, 0) + 1
                self._readable[word] = f"{label}_{number}"
                self.inward[word] = f"{label}_{_letters(number)}"
        self.outward = {kept: word for word, kept in self.inward.items()}

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Names":
        """Those that stand in these texts, in order."""
        return cls(match[0] for text in texts if _may_hold(text) for match in _WORD.finditer(text))

    def __len__(self) -> int:
        return len(self._readable)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Names) and self.inward == other.inward

    def __hash__(self) -> int:
        return hash(tuple(self.inward))

    def __repr__(self) -> str:
        return f"Names({len(self)})"

    def canonical(self, texts: Sequence[str]) -> tuple[list[str], list[Spot]]:
        """The texts with readable names, and where those stand: together they say all of the texts but the words themselves."""
        if not self._readable:
            return list(texts), []
        changed, spots = list(texts), []
        for index, text in enumerate(texts):
            if _may_hold(text):
                changed[index], found = self._named(text)
                spots += [Spot(index, offset, name) for offset, name in found]
        return changed, spots

    def _named(self, text: str) -> tuple[str, list[tuple[int, str]]]:
        pieces: list[str] = []
        spots: list[tuple[int, str]] = []
        length = done = 0
        for match in _WORD.finditer(text):
            name = self._readable[match[0]]
            before = text[done : match.start()]
            spots.append((length + len(before), name))
            pieces += (before, name)
            length += len(before) + len(name)
            done = match.end()
        return "".join((*pieces, text[done:])), spots


NONE = Names(())


def renamed(events: Sequence[Event], words: Mapping[str, str]) -> list[Event] | None:
    """The events of a whole answer with these words in the place of those; None where it names any other placeholder.

    Other spellings count, and those that were cut at the border of two events: all that `restore` would find.
    """
    changes: dict[int, dict[int, str]] = {}
    for places, text, escaped in _joined(events):
        new = _replaced(text, words)
        if new is None or (escaped and _hidden(text)):
            return None
        if new == text:
            continue
        start = 0
        for event, index in places:
            end = start + len(events[event].texts[index].text)
            changes.setdefault(event, {})[index] = new[start:end]
            start = end
    return [event.replace(changes[at]) if at in changes else event for at, event in enumerate(events)]


def names_any(texts: Iterable[str]) -> bool:
    """Whether any of these texts, each joined from its pieces, holds what `restore` would take for a placeholder."""
    return any(RUN.search(text) and FOUND.search(text) for text in texts)


def plain(text: str, *, escaped: bool) -> str:
    """What a text of an answer reads as."""
    return read(text, final=True).text if escaped else text


def _hidden(text: str) -> bool:
    """Whether a piece of JSON names one with escapes, which `restore` reads and nothing renames."""
    return "\\" in text and len(FOUND.findall(plain(text, escaped=True))) != len(FOUND.findall(text))


def _joined(events: Sequence[Event]) -> Iterable[tuple[list[tuple[int, int]], str, bool]]:
    """Every text of the answer that may name one, with the pieces that it came in, and whether it is a piece of JSON."""
    parts: dict[tuple[Hashable, bool, bool], list[tuple[int, int]]] = {}
    for at, event in enumerate(events):
        for index, text in enumerate(event.texts):
            parts.setdefault((text.part, text.repeated, text.escaped), []).append((at, index))
    for (_, _, escaped), places in parts.items():
        joined = "".join([events[at].texts[index].text for at, index in places])
        if RUN.search(plain(joined, escaped=escaped)):
            yield places, joined, escaped


def _replaced(text: str, words: Mapping[str, str]) -> str | None:
    pieces: list[str] = []
    done = 0
    for found in FOUND.finditer(text):
        start = found.start("letters")
        letters = text[start : start + LETTERS]
        new = words.get(f"{found['label'].upper()}_{letters.lower()}")
        if new is None:
            return None
        pieces += (text[done:start], _in_case_of(letters, new.partition("_")[2]))
        done = start + LETTERS
    return "".join((*pieces, text[done:]))


def _in_case_of(old: str, new: str) -> str:
    return "".join(letter.upper() if like.isupper() else letter for like, letter in zip(old, new, strict=True))


def _may_hold(text: str) -> bool:
    return "_" in text and any(mark in text for mark in _MARKS)


def _letters(number: int) -> str:
    letters = []
    for _ in range(LETTERS):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(letters)
