"""Run a finder over a text."""

from collections.abc import Callable, Iterable
from typing import Any

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.pii.reading import Found, Reading, read


def values(finder: Callable[..., Iterable[Found]], text: str, **options: Any) -> list[str]:
    """What a finder takes for values, in order."""
    reading: Reading = read(text)
    found = disjoint(Finding("", one.start, one.end, one.score) for one in finder(reading, **options))
    return [text[one.start : one.end] for one in found]
