"""Numbers and units that two texts do not share."""

from outgate.detectors.paraphrase.quantities import Quantity, quantities, units
from outgate.detectors.paraphrase.words import Words

_OFTEN_LEFT_OUT = (0.0, 1.0, 2.0)
"""`one of the`, `the two`, `zero effort`: a rewording has them or not."""
_SLACK = 0.02
"""Between units, as a month is about 30 days."""


def numbers_differ(a: Words, b: Words) -> bool:
    """Whether a number of one text is in no form in the other."""
    ours, theirs = quantities(a), quantities(b)
    left, right = _missing(ours, theirs, b), _missing(theirs, ours, a)
    if (left and right) or any(each.number not in _OFTEN_LEFT_OUT and not _is_for(each, a, b) for each in left + right):
        return True
    return (
        len(ours) == len(theirs) > 2
        and sorted(each.number for each in ours) != sorted(each.number for each in theirs)
        and _plain(ours, theirs)
    )


def _is_for(one: Quantity, a: Words, b: Words) -> bool:
    """Whether it is the 4 of `tips 4 cooking`."""
    return one.number == 4.0 and ("for" in a.words) != ("for" in b.words)


def units_differ(a: Words, b: Words) -> bool:
    """Whether both name units of one dimension and each has one that the other lacks: miles or kilometres, per day or per week."""
    ours, theirs = units(a), units(b)
    return any(_apart(ours[each], theirs[each]) and not _converted(each, a, b) for each in ours.keys() & theirs.keys())


def _apart(ours: list[float], theirs: list[float]) -> bool:
    left, right = set(ours) - set(theirs), set(theirs) - set(ours)
    return bool(left and right) or (not left and not right and len(ours) == len(theirs) and sorted(ours) != sorted(theirs))


def _converted(dimension: str, a: Words, b: Words) -> bool:
    """Whether each quantity of the dimension is in the other text, as 24 hours are in `one day`."""
    ours, theirs = quantities(a), quantities(b)
    said = [each for each in ours + theirs if each.dimension == dimension]
    return bool(said) and not any(each.dimension == dimension for each in _missing(ours, theirs, b) + _missing(theirs, ours, a))


def _plain(ours: list[Quantity], theirs: list[Quantity]) -> bool:
    """Whether the units are the same, so that no number may have changed with its unit."""
    return sorted(each.dimension for each in ours) == sorted(each.dimension for each in theirs)


def _missing(these: list[Quantity], those: list[Quantity], text: Words) -> list[Quantity]:
    """Quantities that are not among the other ones, nor said as a unit alone: `seven days`, `the week`."""
    alone = units(text)
    return [
        one
        for one in these
        if not any(_same(one, other) for other in those)
        and not any(_near(one.value, size) for size in alone.get(one.dimension, ()) if one.number != 1.0)
    ]


def _same(one: Quantity, other: Quantity) -> bool:
    if one.number == other.number:
        return one.value == other.value or not (one.dimension and other.dimension)
    if "share" in (one.dimension, other.dimension) and "" in (one.dimension, other.dimension):
        return _near(one.value, other.value)
    in_other_units = one.dimension and one.dimension == other.dimension and one.size != other.size
    return bool(in_other_units) and _near(one.value, other.value)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SLACK * max(abs(one), abs(other))
