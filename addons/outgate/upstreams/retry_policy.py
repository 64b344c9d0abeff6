"""Decision after a failed attempt: try again, where and when, or let the failure stand. Pure: values in, a value out."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

from outgate.errors import FailureKind as Kind


class Where(StrEnum):
    """The place of the next attempt."""

    SAME = "same"
    ENDPOINT = "endpoint"
    PROVIDER = "provider"
    MODEL = "model"


class Why(StrEnum):
    """Why a failure stands."""

    NOT_LISTED = "not_listed"
    ATTEMPTS = "attempts"
    SENT = "sent"
    REFRESHED = "refreshed"
    BUDGET = "budget"
    NOWHERE = "nowhere"


class Retry(NamedTuple):
    """Try again at `where`, in `after` seconds."""

    where: Where
    after: float = 0.0


class Stand(NamedTuple):
    """The failure is what the caller gets."""

    reason: Why


type Decision = Retry | Stand


DEFAULT_ON = frozenset(
    {
        Kind.CONNECT, Kind.TLS, Kind.DNS, Kind.RESET, Kind.STALE, Kind.TIMEOUT, Kind.SERVER_ERROR, Kind.RATE_LIMITED,
        Kind.UNAUTHORIZED, Kind.PROTOCOL, Kind.NOT_BEGUN,
    }
)  # fmt: skip
"""What is tried again where a policy lists nothing: what the gateway or a provider could not do, never what a model would not."""
OF_THE_ANSWER = frozenset({Kind.REFUSAL, Kind.CONTENT_FILTER, Kind.CONTEXT_LENGTH})
"""Failures that a policy has to list: the provider works, and another model may answer otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutePolicy:
    """The retry settings of a route.

    `on` are the failures that are tried again, with `sent` those too after which the provider may have received the request. `same`
    is how often one endpoint is asked again, after a back-off of `least` to `longest` seconds. `per_try` bounds one attempt up to
    the first word of its answer; 0 leaves it to the provider. `share` of the requests to a provider may be retries there.
    """

    attempts: int = 3
    on: frozenset[Kind] = DEFAULT_ON
    sent: bool = False
    same: int = 0
    per_try: float = 0.0
    least: float = 0.25
    longest: float = 5.0
    share: float = 0.2

    def behind_another(self) -> "RoutePolicy":
        """The same for what another gateway sent: that one repeats, and two that do would multiply the attempts."""
        return replace(self, on=self.on & (_OF_THE_PROVIDER | {Kind.UNAUTHORIZED}), same=0)


class Failure(NamedTuple):
    """One failed attempt. `unknown` says that the provider may have received the request and gave no whole answer to it;
    `retry_after` is what it asked for, in seconds.
    """

    kind: Kind
    unknown: bool = False
    retry_after: float | None = None


class Tried(NamedTuple):
    """The attempts before: all of them, those in a row at this endpoint after the first, whether a refused credential was read
    again, whether this endpoint cannot be asked again, and whether no other provider or model was found.
    """

    attempts: int
    same: int = 0
    refreshed: bool = False
    stuck: bool = False
    nowhere: bool = False


class Health(NamedTuple):
    """What is known of the provider: its endpoints that are left, whether the budget has a retry left, and another key."""

    endpoints: int
    budget: bool
    spare: bool = False


class Clock(NamedTuple):
    """Seconds until the exchange's deadline, and a random number from 0 to 1 for the back-off."""

    left: float
    jitter: float


RETRIED = DEFAULT_ON | OF_THE_ANSWER
"""All failures that a policy may list."""
_OF_THE_MODEL = OF_THE_ANSWER | {Kind.RATE_LIMITED}
"""Another endpoint of the same model would say the same."""
_OF_THE_PROVIDER = frozenset({Kind.CONNECT, Kind.TLS, Kind.DNS})
"""No model of the provider can be reached."""
_PASSING = frozenset({Kind.RATE_LIMITED, Kind.SERVER_ERROR, Kind.RESET, Kind.PROTOCOL, Kind.NOT_BEGUN})
"""What may be gone a moment later. A place that was silent is not asked again: that would only multiply the wait."""


def decide(failure: Failure, tried: Tried, policy: RoutePolicy, health: Health, clock: Clock) -> Decision:
    """Where to try next. The same endpoint comes first where the policy allows it, then another, then another provider or model."""
    stands = _stands(failure, tried, policy)
    if stands is not None:
        return Stand(stands)
    if failure.kind is Kind.UNAUTHORIZED or (failure.kind is Kind.STALE and health.budget and not tried.stuck):
        return Retry(Where.SAME)
    if failure.kind is Kind.RATE_LIMITED and health.spare:  # the limit is one of the key
        return Retry(Where.SAME)
    after = _wait(failure, tried, policy, clock)
    if after is not None and health.budget:
        return Retry(Where.SAME, after)
    if _has_others(failure, health) and health.budget:
        return Retry(Where.ENDPOINT)
    if not tried.nowhere:
        return Retry(Where.PROVIDER if failure.kind in _OF_THE_PROVIDER else Where.MODEL)
    return Stand(Why.NOWHERE if health.budget else Why.BUDGET)


def _stands(failure: Failure, tried: Tried, policy: RoutePolicy) -> Why | None:
    if failure.kind not in policy.on:
        return Why.NOT_LISTED
    if tried.attempts >= policy.attempts:
        return Why.ATTEMPTS
    if failure.unknown and not policy.sent:
        return Why.SENT
    return Why.REFRESHED if failure.kind is Kind.UNAUTHORIZED and tried.refreshed else None


def _has_others(failure: Failure, health: Health) -> bool:
    return failure.kind not in _OF_THE_MODEL and health.endpoints > 0


def _wait(failure: Failure, tried: Tried, policy: RoutePolicy, clock: Clock) -> float | None:
    """Seconds before the same endpoint is asked again; None where it is not, or where it asks for more time than there is."""
    if failure.kind not in _PASSING or tried.stuck or tried.same >= policy.same:
        return None
    ceiling = min(policy.longest, policy.least * 2**tried.same)
    after = max(failure.retry_after or 0.0, ceiling * (0.5 + clock.jitter / 2))
    return after if after <= policy.longest and after < clock.left else None
