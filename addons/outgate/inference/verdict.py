"""The verdict of a guard: what it found, what it read, what it did not read, and what it did. Never a piece of text.

Every guard writes one as its fact `verdict.<guard>` or `verdict.out.<guard>`, also when it denies or answers. From there it reaches
the closing line, the metrics and the flow view by itself. "Scanned" stands only for what was really read, in this exchange or, by
the same rules, in an earlier one that is remembered.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What became of the text that was judged."""

    ALLOWED = "allowed"
    DENIED = "denied"
    ANSWERED = "answered"
    """A fixed text took the place of the answer."""
    WITHHELD = "withheld"
    """A sentence took the place of the text, and the request went on."""
    FLAGGED = "flagged"
    """It was written down, and the request went on as it was."""
    REPLACED = "replaced"
    SKIPPED = "skipped"
    """The guard does not apply to this exchange: nothing was read."""
    FAILED = "failed"
    """The guard raised or ran out of time; its `on_error` says what became of the request."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched, by its id; `kind` groups rules, `count` says how often where that is known.

    `channel` is where, `action` what became of that text, and `text` the keyed digest by which it can be asked about.
    """

    rule: str
    kind: str = ""
    count: int = 1
    channel: str = ""
    action: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of one kind (a channel, or a kind of part): `count` pieces; text in characters, anything else in bytes."""

    kind: str
    count: int
    characters: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One guard's verdict. Ids, kinds and counts only: it is written to the audit record.

    `scanned` was read, `unjudged` was there and was not: parts that no policy can read, channels that the guard leaves out, what
    stood behind a first match. `revision` names the rules or the model where their version matters to who reads the record.
    `reason` says why the guard, or what it asks, failed.
    """

    action: Action = Action.ALLOWED
    matches: tuple[Match, ...] = ()
    scanned: tuple[Extent, ...] = ()
    unjudged: tuple[Extent, ...] = ()
    revision: str = ""
    reason: str = ""


FAILED = Verdict(action=Action.FAILED)
SKIPPED = Verdict(action=Action.SKIPPED)


def extents(pieces: Iterable[tuple[str, str]]) -> tuple[Extent, ...]:
    """The extents of pieces of text, given as pairs of kind and text, by kind."""
    sums: dict[str, list[int]] = {}
    for kind, text in pieces:
        known = sums.get(kind)
        if known is None:
            sums[kind] = [1, len(text)]
        else:
            known[0] += 1
            known[1] += len(text)
    return tuple(Extent(kind, count, characters) for kind, (count, characters) in sorted(sums.items()))
