"""Signs that are no words: emoji, symbols, marks on letters and capitals that make another word.

Encoder and verifier do not see them: they fold accents and capitals, and read every emoji as the same unknown word.
"""

import re
from unicodedata import category, normalize

from outgate.detectors.paraphrase.words import Words

_PUNCTUATION = frozenset({"Zs", "Pd", "Pi", "Pf", "Lu", "Ll"})
_AS_WRITTEN = frozenset("\u2026\u00bf\u00a1\u2022\u20ac\u00a3\u00a5")
"""Ellipsis, opening marks, bullet, set by habit or by a program; signs of money, which are compared as units."""
_ALONE = re.compile(r"(?<!\S)[^\w\s&+*/=<>|\u2010-\u2015\u2022-]+(?=\s+\S)")
"""A sign that stands by itself within a text is what the text is about; operators are compared as code."""
_CALL = re.compile(r"\w\(([^()]*)\)")
_CAPITALS = frozenset(
    "us it who aids ram cat pet sat act ace nice rest soap swift dare polish turkey china march may august mobile reading".split()
)
"""Words that mean something else with capitals."""


def signs_differ(a: Words, b: Words) -> bool:
    """Whether one text holds other signs, or the same in another order."""
    if _ALONE.findall(a.text) != _ALONE.findall(b.text) or _signs(a.text) != _signs(b.text):
        return True
    return _marks_differ(a, b)


def calls_differ(a: Words, b: Words) -> bool:
    """Whether what stands between the brackets of a call is something else, or in another order."""
    ours, theirs = (["".join(each.split()) for each in _CALL.findall(text.text)] for text in (a, b))
    return bool(ours and theirs) and ours != theirs


def capitals_differ(a: Words, b: Words) -> bool:
    """Whether a word has capitals in one text only, and means something else with them."""
    return _small(a) & _capital(b) != set() or _small(b) & _capital(a) != set()


def _signs(text: str) -> list[str]:
    signs = (char for char in normalize("NFC", text) if char > "\x7f" and char not in _AS_WRITTEN)
    return [sign for sign in signs if category(sign) not in _PUNCTUATION]


def _marks_differ(a: Words, b: Words) -> bool:
    """Whether a word has marks on its letters that the same word of the other text has not."""
    ours, theirs = _marked(a.text), _marked(b.text)
    return any(ours[plain] != theirs[plain] for plain in ours.keys() & theirs.keys())


def _marked(text: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for word in re.findall(r"\w+", normalize("NFC", text).lower()):
        found.setdefault("".join(char for char in normalize("NFD", word) if category(char) != "Mn"), set()).add(word)
    return found


def _small(text: Words) -> set[str]:
    return {word for word in text.said if word in _CAPITALS}


def _capital(text: Words) -> set[str]:
    """Of those that stand within a text which is not all in capitals."""
    if text.text.isupper():
        return set()
    return {word.lower() for word in text.said[1:] if word.lower() in _CAPITALS and word[:1].isupper()}
