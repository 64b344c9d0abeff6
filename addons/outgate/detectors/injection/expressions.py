"""Rules as expressions of one linear engine, over ASCII."""

from collections.abc import Iterable, Sequence
from itertools import chain

from outgate.detectors.injection.rules import BEGIN, InjectionRule
from outgate.detectors.transliterate import FOREIGN

NOTHING = r"[^\x00-\xff]"
"""What no text holds."""
_BETWEEN = r"(?:[^a-z]|\\[nrt])+"
"""What stands between two words: anything but Latin letters, and line ends as they are written in JSON."""
_EDGE = r"(?:^|[^a-z]|\\[nrt])"
_END = r"(?:[^a-z]|$)"
_OTHER = r"[^ \t\r\n]*[a-z][^ \t\r\n]*"
"""Another word: whatever has no space in it, so that an address counts as one, as does the placeholder that stands for it."""
_GAP_ROOM, _OPENING_SIZE = 20, 60
_FILLING = ("all", "any", "of", "the", "my", "your", "every", "these", "those", "other", "and", "word", "for")
_OPENING = (
    "please", "now", "and", "then", "so", "first", "ok", "hey", "hello", "hi", "you must", "you should", "you will", "kindly",
    "important", "attention", "urgent", "assistant", "ai", "note", "system", "i want you to", "i need you to", "instead", "you can",
)  # fmt: skip


def expression(rule: InjectionRule) -> str:
    """What a text holds that this rule matches."""
    if rule.pieces[0] == (BEGIN,):
        return f"{_OPEN}{_joined(rule.pieces[1:], rule.gaps[1:])}{_END}"
    return f"{_EDGE}{_joined(rule.pieces, rule.gaps)}{_END}"


def rarest(rules: Iterable[InjectionRule]) -> str:
    """What a text holds that any of these rules matches, and little else."""
    found = {_joined(rule.pieces[first : last + 1], rule.gaps[first:last]) for rule in rules for first, last in [rule.rare]}
    return f"{_EDGE}(?:{'|'.join(sorted(found))}){_END}"


def reach(rule: InjectionRule) -> tuple[int, int]:
    """Characters before and after its rare pieces that a rule is looked for in: words of gaps may be addresses."""
    sizes = [_OPENING_SIZE if piece == (BEGIN,) else max(map(len, piece)) for piece in rule.pieces]
    room = [_GAP_ROOM * (gap + 1) for gap in rule.gaps]
    first, last = rule.rare
    return sum(sizes[:first]) + sum(room[:first]), sum(sizes[last + 1 :]) + sum(room[last:])


def compact(rule: InjectionRule) -> str:
    """What the bare letters of a text hold that this rule matches, with none but filling words between."""
    filling = f"(?:{'|'.join(_FILLING)})*"
    return filling.join(f"(?:{'|'.join(each.replace(' ', '') for each in piece)})" for piece in rule.pieces)


def phrase(text: str) -> str:
    """What a text holds that these words are in."""
    return f"{_EDGE}{words(text)}{_END}"


def words(text: str) -> str:
    """These words, whatever stands between them."""
    return _BETWEEN.join("".join(char if char.isascii() and char.isalnum() else FOREIGN for char in word) for word in text.split())


def _joined(pieces: Sequence[Sequence[str]], gaps: Sequence[int]) -> str:
    return "".join(chain.from_iterable(zip(map(_any, pieces), [*map(_gap, gaps), ""], strict=True)))


def _gap(most: int) -> str:
    return f"{_BETWEEN}(?:{_OTHER}{_BETWEEN}){{0,{most}}}" if most else _BETWEEN


def _any(alternatives: Iterable[str]) -> str:
    return f"(?:{'|'.join(map(words, alternatives))})"


_OPEN = rf"(?:^|[\n.!?]|\\[nr])[ \t]{{0,3}}(?:{_any(_OPENING)}[ \t:,!\n-]+){{0,3}}"
"""Where a sentence opens: not behind a quote, a bullet or the sign of a comment."""
