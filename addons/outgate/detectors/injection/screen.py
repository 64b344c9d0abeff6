"""Which texts need no closer look: a complete screen in front of the matcher, the same language as its rules, without places.

It reads a text as `views.spoken` gives it: lower-case words and spaces. All words with a letter that is not ASCII look alike to it,
so the screen may see more than the matcher does and never less.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import batched

from outgate.detectors.automaton import Automaton
from outgate.detectors.injection.rules import Rule

_FOREIGN = "[a-z]*[?][a-z?]*"
_BREAK = " +"
_ANY = "[a-z? ]"
"""In front of literals, so that the engine walks its table: looking for their first letters is slower here."""
_MOST_WORDS = 8
"""Words of an alternative that are looked at: its beginning stands for all of it."""
_TOGETHER, _PHRASES_TOGETHER = 6, 50
"""Rules in one automaton: more take more states than the engine keeps."""


class Screen:
    """`rules` are the matcher's, phrases among them; `telling` words are looked for where they were taken apart, `turned` ones at
    least twice in a text.
    """

    def __init__(self, rules: Iterable[Rule], telling: Collection[str], turned: Collection[str]) -> None:
        every = list(rules)
        for rule in every:
            if not rule.pieces or not all(piece and all(map(str.strip, piece)) for piece in rule.pieces):
                raise ValueError(f"the rule {rule.id} has an empty piece")
        phrases = [rule for rule in every if len(rule.pieces) == 1]
        chains = sorted((rule for rule in every if len(rule.pieces) > 1), key=lambda rule: rule.pieces[0])
        self._phrases = [Automaton(_any(map(expression, some))) for some in batched(phrases, _PHRASES_TOGETHER, strict=False)]
        self._anchors = [Automaton(_any(_piece(anchor(rule)) for rule in chains))] if chains else []
        self._chains = [Automaton(_any(map(expression, some))) for some in batched(chains, _TOGETHER, strict=False)]
        broken = "|".join(part for word in sorted(telling) for part in _apart(word))
        words = "|".join(sorted(map(_word, turned)))
        twice = f" (?:{words}) (?:.* )?(?:{words}) "
        self._apart, self._turned = Automaton(f"{_ANY}(?:{broken})"), Automaton(twice)
        first = [*(_piece(anchor(rule)) for rule in chains), *map(expression, phrases[:_PHRASES_TOGETHER])]
        self._any = Automaton(f"{_ANY}(?:{broken})| (?:{words}) |{_any(first)}")
        self._more = len(phrases) > _PHRASES_TOGETHER

    def sees(self, reading: str) -> bool:
        """Whether any of the other answers may be yes: one pass over the text."""
        return self._more or self._any.search(f" {reading} ")

    def suspects(self, reading: str) -> bool:
        """Whether a rule may match. False is certain."""
        padded = f" {reading} "
        return any(one.search(padded) for one in self._phrases) or (
            any(one.search(padded) for one in self._anchors) and any(one.search(padded) for one in self._chains)
        )

    def taken_apart(self, reading: str) -> bool:
        """Whether a telling word may stand in the text with something inside it."""
        return self._apart.search(f" {reading}")

    def turned(self, reading: str) -> bool:
        """Whether two words may be rules' words turned round."""
        return self._turned.search(f" {reading} ")


def anchor(rule: Rule) -> tuple[str, ...]:
    """The piece of a rule that ordinary text holds most seldom, taking a letter more as half as frequent."""
    return min(rule.pieces, key=lambda piece: sum(2.0 ** -len(alternative.replace(" ", "")) for alternative in piece))


def expression(rule: Rule) -> str:
    """A rule as an expression: its pieces in order, words that do not matter between them."""
    between = f"{_BREAK}(?:[a-z?]+{_BREAK}){{0,{rule.gap}}}"
    return between.join(map(_piece, rule.pieces))


def _any(expressions: Iterable[str]) -> str:
    return f" (?:{'|'.join(dict.fromkeys(expressions))}) "


def _piece(alternatives: Sequence[str]) -> str:
    return f"(?:{'|'.join(map(_alternative, alternatives))})"


def _alternative(text: str) -> str:
    words = text.split()
    begun = _BREAK.join(map(_word, words[:_MOST_WORDS]))
    return begun if len(words) <= _MOST_WORDS else f"{begun}(?:{_BREAK}[a-z?]+){{0,{len(words)}}}"


def _word(word: str) -> str:
    return word if word.isascii() else _FOREIGN


def _apart(word: str) -> Iterator[str]:
    """A word broken at least once, by where its first break is."""
    for cut in range(1, len(word)):
        yield word[:cut] + _BREAK + " *".join(word[cut:])
