"""Code in a text: what stands between back quotes, and the operators of an expression."""

import re
from collections import Counter

from outgate.detectors.paraphrase.words import Words

_SPAN = re.compile(r"```(?:\w*\n)?(.*?)```|`([^`\n]+)`", re.DOTALL)
_OPERATORS = frozenset("+*/^=<>|!")
_SPOKEN = {"plus": "+", "minus": "-", "times": "*", "divided": "/", "multiplied": "*", "added": "+", "subtracted": "-"}


def code_differs(a: Words, b: Words) -> bool:
    """Whether the texts hold different code or different operators."""
    return _spans(a.text) != _spans(b.text) or _operators_differ(a, b)


def _spans(text: str) -> list[list[str]]:
    if "`" not in text:
        return []
    return sorted((block or span).split() for block, span in _SPAN.findall(text))


def _operators_differ(a: Words, b: Words) -> bool:
    ours, theirs = _operators(a), _operators(b)
    return bool(ours and theirs and ours != theirs)


def _operators(text: Words) -> Counter[str]:
    return Counter(sign for word in text.words if (sign := _SPOKEN.get(word) or (word if word in _OPERATORS else "")))
