"""Equality of two questions but for their frame: a please, `how can I` for `how do I`, an article, case and punctuation."""

import re

_ASKED = (
    r"(?:can|could|would|will) (?:you|someone|anyone) (?:please )?tell me|(?:please )?tell me|do you know|does anyone know|any idea"
)
_WISHED = r"i (?:want|need|would like|wanted) to know|i was wondering|i wonder"
_GREETED = r"(?:hi|hello|hey|ok|okay|so|well|please|quick question|question)\b[,:!. ]*"
_POLITE = re.compile(rf"^(?:{_GREETED}|(?:{_WISHED}|{_ASKED})\b[,: ]*)+", re.IGNORECASE)
_THANKS = re.compile(r"[ ,.]*\b(?:please|pls|thanks|thank you|thx)[ !.?]*$", re.IGNORECASE)
_HOW = re.compile(
    r"^how (?:do|does|can|could|would|might) (?:i|we|you|one|someone|somebody|a person) |^how to ",
    re.IGNORECASE,
)
_WHAT = re.compile(r"^(?:what|which) (?:is|are) |^(?:what|which)'?s |^what're ", re.IGNORECASE)
_DROPPED = frozenset({"a", "an", "the"})
_WORD = re.compile(r"[^\W_]+(?:['.,:/-][^\W_]+)*|[^\w\s?!.,;:'\"]")


def same_but_for_frame(a: str, b: str) -> bool:
    """Whether both ask the same in the same words and order. Capitals count inside a word: AaBb is not AABB."""
    core = _core(a)
    return bool(core) and core == _core(b)


def _core(text: str) -> list[str]:
    text = _THANKS.sub("", _POLITE.sub("", text.strip().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")))
    words = _WORD.findall(_WHAT.sub("what is ", _HOW.sub("how to ", text)))
    folded = (word if word[1:] != word[1:].lower() else word.lower() for word in words)
    return [word for word in folded if word not in _DROPPED]
