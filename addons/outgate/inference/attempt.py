"""Upstream attempts of an exchange, as the closing line tells them."""

from dataclasses import dataclass
from typing import NamedTuple

from outgate.errors import FailureKind, FailureReason

OWN = "workload"


class NotAsked(NamedTuple):
    """A target that a stage refused before it was asked, and the code of the denial."""

    provider: str
    model: str
    code: str


class PassedOver(NamedTuple):
    """What an attempt would have used before what it used: a target (`provider/model`), a replica or a key, and why it did not:
    `pool_tripped`, `pool_crowded`, `replica_ejected`, `key_rests`, `key_refused`.
    """

    what: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One upstream attempt. `sent` says whether the provider may have received (and billed) it, `streams` whether it asked for a
    stream, of which model of which provider; `status` is None where no answer to it began. `fault` says what was malformed in its
    answer, `dropped` how many events of it could not be read, by fault: codes of `WireError`, no text.
    `credential` is whose went: `gateway`, `placeholder:NAME`, `workload` (OWN), or none.
    `passed_over` is what it did not use for its state. `followed` says where the next attempt went, after `waited` seconds, or why
    there was none; `not_asked` are the targets that were passed over on the way.
    """

    number: int
    backend: str
    endpoint: str
    address: str
    status: int | None
    failure: FailureKind | None
    sent: bool
    seconds: float
    streams: bool = False
    reason: FailureReason | None = None
    provider: str = ""
    model: str = ""
    fault: str = ""
    dropped: tuple[tuple[str, int], ...] = ()
    followed: str = ""
    waited: float = 0.0
    credential: str = ""
    not_asked: tuple[NotAsked, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()
