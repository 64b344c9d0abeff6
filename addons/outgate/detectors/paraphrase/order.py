"""Roles in a text: what stands after from, to, into, than; and two words that have changed places."""

from collections import Counter
from collections.abc import Sequence

from outgate.detectors.paraphrase.antonyms import opposites
from outgate.detectors.paraphrase.words import Words

_ROLES = {word: word for word in "from than by over before after against minus under".split()} | dict.fromkeys(
    ("to", "into", "onto"), "to"
)
_ARTICLES = frozenset({"a", "an", "the", "my", "your", "his", "her", "its", "our", "their", "some", "any"})
_UNHEARD = _ARTICLES | {"?", "!", ",", "please", "-"}
_JOINS = _ARTICLES | {"and", "or", "vs", "versus", ",", "&", "between", "both", "with", "+", "*"}
_WAYS = {"to": "to", "into": "to", "onto": "to", "from": "from", "by": "by"} | {"under": "under", "below": "under", "over": "over"}
_LONGEST = 12


def order_differs(a: Words, b: Words) -> bool:
    """Whether two things have changed roles: from A to B and from B to A, A beats B and B beats A."""
    return _exchanged(a, b) or (_roles_crossed(a, b) and not opposites(a, b)) or _placed_otherwise(a, b)


def _exchanged(a: Words, b: Words) -> bool:
    """Whether the same words stand in another order, two runs of them exchanged around what does not merely join them."""
    ours, theirs = _heard(a), _heard(b)
    if len(ours) != len(theirs) or ours == theirs or Counter(ours) != Counter(theirs):
        return False
    first = next(at for at, (one, other) in enumerate(zip(ours, theirs, strict=True)) if one != other)
    last = next(at for at in range(len(ours) - 1, -1, -1) if ours[at] != theirs[at])
    return _crosswise(ours[first : last + 1], theirs[first : last + 1])


def moved_differs(a: Words, b: Words) -> bool:
    """Whether the very same words stand in another order."""
    ours, theirs = _heard(a), _heard(b)
    return ours != theirs and Counter(ours) == Counter(theirs)


def _heard(text: Words) -> list[str]:
    return [stem for stem, word in zip(text.stems, text.words, strict=True) if word not in _UNHEARD]


def _crosswise(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether the first is X M Y and the second Y M X, X and Y short, M more than `and`."""
    size = len(ours)
    for front in range(1, min(_LONGEST, size - 2) + 1):
        for back in range(1, min(_LONGEST, size - 1 - front) + 1):
            middle = ours[front : size - back]
            same_ends = ours[:front] == theirs[size - front :] and ours[size - back :] == theirs[:back]
            if same_ends and middle == theirs[back : size - front] and not _JOINS.issuperset(middle):
                return True
    return False


def _roles_crossed(a: Words, b: Words) -> bool:
    """Whether what one text has after a preposition stands before it in the other, and the other way round."""
    ours, theirs = _roles(a), _roles(b)
    return any(
        one in b.stems[:its_place] and other in a.stems[:place]
        for role in ours.keys() & theirs.keys()
        for one, place in ours[role].items()
        for other, its_place in theirs[role].items()
        if one not in theirs[role] and other not in ours[role]
    )


def _roles(text: Words) -> dict[str, dict[str, int]]:
    """The first word that is more than an article after each preposition, and where the preposition stands."""
    found: dict[str, dict[str, int]] = {}
    for at, word in enumerate(text.words):
        if word in _ROLES:
            named = next(
                (text.stems[place] for place in range(at + 1, min(at + 4, len(text.words))) if text.words[place] not in _UNHEARD),
                "",
            )
            if named:
                found.setdefault(_ROLES[word], {})[named] = at
    return found


def _placed_otherwise(a: Words, b: Words) -> bool:
    """Whether one thing has a contrary preposition before it: to and from, to and by, over and under."""
    ours, theirs = _ways(a), _ways(b)
    return any(ours[thing].isdisjoint(theirs[thing]) for thing in ours.keys() & theirs.keys())


def _ways(text: Words) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for at, word in enumerate(text.words):
        if word in _WAYS:
            after = range(at + 1, min(at + 4, len(text.words)))
            thing = next((text.stems[place] for place in after if text.words[place] not in _ARTICLES), "")
            found.setdefault(thing, set()).add(_WAYS[word])
    return found
