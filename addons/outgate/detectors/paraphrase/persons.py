"""Owners and actors in a text, what must or may be, and what is over or yet to come."""

from outgate.detectors.paraphrase.words import Words

_OWNERS = {"my": "mine", "our": "mine", "your": "yours", "his": "theirs", "her": "theirs", "their": "theirs"}
_ACTORS = {"i": "mine", "we": "mine", "he": "theirs", "she": "theirs", "they": "theirs"}
_DUTY = {"must": "must", "may": "may", "might": "may", "should": "should"}
_PAST, _FUTURE = frozenset({"did", "was", "were", "had"}), frozenset({"will", "shall"})
_OFFICE = {("who", "is", "the"), ("who", "was", "the")}
"""Openings that ask for who holds an office, and for who held it."""


def person_differs(a: Words, b: Words) -> bool:
    """Whether one thing is mine in one text and yours or theirs in the other, or one act is mine and theirs."""
    return any(_apart(_before(a, which), _before(b, which)) for which in (_OWNERS, _ACTORS))


def tense_differs(a: Words, b: Words) -> bool:
    """Whether one text speaks of what was and the other of what will be, or one of a duty and the other of a leave."""
    return _turned(a, b) or _turned(b, a) or {a.words[:3], b.words[:3]} == _OFFICE or _apart(_before(a, _DUTY), _before(b, _DUTY))


def _turned(a: Words, b: Words) -> bool:
    return (
        not _PAST.isdisjoint(a.words)
        and _FUTURE.isdisjoint(a.words)
        and not _FUTURE.isdisjoint(b.words)
        and _PAST.isdisjoint(b.words)
    )


def _before(text: Words, which: dict[str, str]) -> dict[str, set[str]]:
    """What stands right before each word, of these."""
    found: dict[str, set[str]] = {}
    for word, after in zip(text.words, text.stems[1:], strict=False):
        if word in which:
            found.setdefault(after, set()).add(which[word])
    return found


def _apart(ours: dict[str, set[str]], theirs: dict[str, set[str]]) -> bool:
    return any(ours[word].isdisjoint(theirs[word]) for word in ours.keys() & theirs.keys())
