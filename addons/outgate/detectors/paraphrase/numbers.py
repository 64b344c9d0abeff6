"""Numbers and units that two texts do not share."""

from outgate.detectors.paraphrase.quantities import Quantity, bare_units, quantities
from outgate.detectors.paraphrase.words import Words

_SLACK = 1e-3
_OFTEN_LEFT_OUT = (1.0, 2.0)
"""`one of the`, `the two`: a rewording has them or not."""


def numbers_differ(a: Words, b: Words) -> bool:
    """Whether a number of one text is in no form in the other."""
    ours, theirs = quantities(a), quantities(b)
    left, right = _missing(ours, theirs), _missing(theirs, ours)
    return bool(left and right) or any(each.number not in _OFTEN_LEFT_OUT for each in left + right)


def units_differ(a: Words, b: Words) -> bool:
    """Whether both name units of one dimension and each has one that the other lacks: miles or kilometres, per day or per week."""
    ours, theirs = bare_units(a), bare_units(b)
    apart = any(ours[each] - theirs[each] and theirs[each] - ours[each] for each in ours.keys() & theirs.keys())
    return apart and not _said_in_other_units(quantities(a), quantities(b))


def _said_in_other_units(ours: list[Quantity], theirs: list[Quantity]) -> bool:
    """Whether each quantity is in the other text, as 24 hours are in `one day`."""
    return any(each.dimension for each in ours) and not _missing(ours, theirs) and not _missing(theirs, ours)


def _missing(these: list[Quantity], those: list[Quantity]) -> list[Quantity]:
    return [one for one in these if not any(_same(one, other) for other in those)]


def _same(one: Quantity, other: Quantity) -> bool:
    if one.dimension and other.dimension:
        return one.dimension == other.dimension and _near(one.value, other.value)
    return _near(one.number, other.number)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SLACK * max(abs(one), abs(other))
