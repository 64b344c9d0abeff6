"""Prefilter for personal data: the places of a text that may hold some, each with the surroundings it is judged by.

Nothing else is sent to the model server. What is left out holds none for certain: the prefilter runs the finders that the analyzer
runs, over the same views of the text (normalised, then every readable payload), without what only the analyzer knows. Tests plant
every entity under every disguise and hold the two together.
"""

from collections.abc import Iterator, Sequence

from outgate.detectors.normalise import Folded, normalise
from outgate.detectors.payloads import payloads
from outgate.detectors.pii.finders import ENTITIES, finder
from outgate.detectors.pii.reading import read
from outgate.detectors.pii.slices import Slice

__all__ = ["ENTITIES", "candidates", "cut"]

REACH = 160
"""Characters of surroundings on each side: more than any word that speaks for a match, or against it, stands away."""

type Span = tuple[int, int]


def candidates(text: str, kinds: tuple[str, ...] = ENTITIES) -> tuple[Slice, ...]:
    """The places to ask about, none overlapping; empty where the text holds nothing of these kinds.

    Each is a piece of `text` that the analyzer judges alone as it judges the whole; `slices.merge` brings its findings back.
    """
    folded = normalise(text)
    places = list(_places(folded.text, kinds))
    hidden = payloads(folded.text)
    places += [(one.start, one.end) for one in hidden if next(_places(one.text, kinds), None) is not None]
    return tuple(cut(text, folded, sorted(places)))


def _places(text: str, kinds: tuple[str, ...]) -> Iterator[Span]:
    reading = read(text)
    for kind in kinds:
        for found in finder(kind)(reading):
            yield found.start, found.end


def cut(text: str, folded: Folded, places: Sequence[Span], reach: int = REACH) -> Iterator[Slice]:
    """The places, in order, with their surroundings, neighbours together, as pieces of the text as it was given."""
    if not places:
        return
    first, last = places[0]
    for start, end in places[1:]:
        if start > last + 2 * reach:
            yield _slice(text, folded, (first, last), reach)
            first = start
        last = max(last, end)
    yield _slice(text, folded, (first, last), reach)


def _slice(text: str, folded: Folded, place: Span, reach: int) -> Slice:
    first, last = place
    start, stop = folded.span(max(0, first - reach), min(len(folded.text), last + reach))
    return Slice(text[start:stop], start, *folded.span(first, last))
