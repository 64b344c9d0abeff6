"""Find other mentions of the persons that were found in a request: in any case, in code too."""

from collections.abc import Mapping, Sequence

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.kinds import PERSON
from outgate.detectors.regex_engines import Linear
from outgate.guards.custom import phrases, spans
from outgate.guards.structured import Found
from outgate.inference.prompt import Channel, Leaf

_MOST = 500
"""Names that are looked for; a list of more is no conversation about persons."""


def mentioned(leaves: Sequence[Leaf], found: Mapping[int, tuple[Finding, ...]]) -> Found:
    """The findings, and each full name wherever else it stands. A first or last name alone is too often a word."""
    names = {" ".join(leaves[at].text[one.start : one.end].split()).lower() for at, one in _persons(found)}
    full = sorted(name for name in names if " " in name)[:_MOST]
    if not full:
        return dict(found)
    expression = Linear(phrases(full), utf8=True)
    everywhere = dict(found)
    for at, leaf in enumerate(leaves):
        if leaf.channel is not Channel.SEALED:
            more = [Finding(PERSON, start, end, 0.5) for start, end in spans(expression, leaf.text)]
            if more:
                everywhere[at] = disjoint((*found.get(at, ()), *more))
    return everywhere


def _persons(found: Mapping[int, tuple[Finding, ...]]) -> list[tuple[int, Finding]]:
    return [(at, one) for at, some in found.items() for one in some if one.entity == PERSON]
