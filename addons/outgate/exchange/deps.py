"""Dependencies, opening facts and refusals that exchanges and tunnels share."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from outgate.errors import Denial
from outgate.exchange.attempts import AttemptPorts, Attempts
from outgate.exchange.channel import RequestHead
from outgate.exchange.passed_over import passed_over
from outgate.exchange.said import TextCounter
from outgate.inference.attempt import AttemptRecord
from outgate.inference.operation import Operation
from outgate.inference.shown import quoted, shown_method, shown_path
from outgate.net.via import goes_round, passed, written
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Answer
from outgate.policy.live import Asked, LivePolicy
from outgate.stores.flights import Flights
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.retry_budget import RetryBudget
from outgate.upstreams.retry_policy import RoutePolicy

NO_POLICY = Denial(code="no_policy", status=503, message="The gateway has no live policy.", retry_after=1)
_LOOP = Denial(
    code="loop_detected",
    status=508,
    message="The request comes from this gateway, or has passed too many: a provider's address leads back.",
)


def denied(policy: LivePolicy, execution: Execution, head: RequestHead, ended: Denial | Answer | None) -> Denial | None:
    """The refusal of a head that has been judged, if any. A caller that nobody knows is told to authenticate, wherever it wants to
    go: clients that wait for a challenge need it there too, and a stranger learns no destination. In a tunnel that leads nowhere
    everything is refused: a policy that has changed since may not make it a way out.
    """
    nowhere = policy.destination(head.destination) is None or (head.connection.refused and ended is None)
    if nowhere and (ended is None or execution.get("principal") is not None):
        return Denial(code="destination_denied", status=403, message=f"No policy allows the destination {head.destination}.")
    assert not isinstance(ended, Answer)
    return ended


def circle(head: RequestHead, deps: "ExchangeDeps") -> Denial | None:
    """The refusal of what goes round between gateways, asked before anything else: each round costs what the first did."""
    return _LOOP if goes_round(passed(head.headers), deps.own_name()) else None


def no_route(asked: Asked) -> Denial:
    """The refusal of what no route takes, in the words of the request: most are a path that is misspelt or not admitted."""
    model = f" with the model {quoted(asked.model)}" if asked.model else ""
    what = f"{shown_method(asked.method)} {shown_path(asked.path)}{model} at {asked.destination}"
    message = f"No route of the policy takes {what} for {asked.principal.name if asked.principal else 'this workload'}."
    return Denial(code="no_route", status=403, message=message)


class ExchangeDeps(NamedTuple):
    """Dependencies of an exchange: the live policy, clocks, ids, credentials, a counter of tokens, what else
    is on its way, the budget of retries, and the name by which the gateway knows what it has passed on itself.

    `attempted` is told of every upstream attempt when it has failed, or its answer has begun; `ended` of an answer that had begun
    when it was whole, or broke off. `members` are the replicas of a backend as they are listed now. `watch` sees each exchange, by
    its id, before its slots are dropped. `distrusted` is told who broke off the handshake of
    TLS: workload, address, destination, and the error.
    """

    policy: Callable[[], LivePolicy | None]
    nanoseconds: Callable[[], int]
    seconds: Callable[[], float]
    wall: Callable[[], float]
    ids: Callable[[], str]
    credentials: Credentials
    tokenizers: TextCounter
    flights: Flights
    budget: RetryBudget
    own_name: Callable[[], str]
    attempted: Callable[[AttemptRecord], None] = lambda _: None
    ended: Callable[[AttemptRecord], None] = lambda _: None
    members: Callable[[Backend], Sequence[Endpoint]] = attrgetter("endpoints")
    ejected: Callable[[Backend], Sequence[str]] = lambda _: ()
    watch: Callable[[str, Execution], None] = lambda _id, _execution: None
    distrusted: Callable[[str, str, str, str], None] = lambda *_: None


def attempts_of(deps: ExchangeDeps, head: RequestHead, policy: RoutePolicy, until: float) -> Attempts:
    """The attempts of an exchange, with what they ask of the process."""
    ports = AttemptPorts(
        credentials=deps.credentials,
        budget=deps.budget,
        seconds=deps.seconds,
        wall=deps.wall,
        attempted=deps.attempted,
        ended=deps.ended,
        members=deps.members,
        passed_over=lambda execution: passed_over(execution, deps.credentials, deps.ejected),
    )
    before = passed(head.headers)
    return Attempts(ports, policy.behind_another() if before else policy, until, written(before, deps.own_name()))


def opening_facts(
    policy: LivePolicy, head: RequestHead, exchange_id: str, started: float, operation: Operation | None = None, route: str = ""
) -> dict[str, Any]:
    """The facts with which every execution opens, that of a tunnel included: its head has no path and asks for no operation yet."""
    return {
        "conn": head.connection,
        "destination": head.destination,
        "method": head.method,
        "path": head.path or None,
        "headers": head.headers,
        "operation": operation,
        "route": route,
        "exchange.id": exchange_id,
        "started": started,
        "policy.revision": policy.revision,
        "policy.rules": policy.rules,
        "endpoint.state": frozenset(),
        "provider.state": frozenset(),
        "model.state": frozenset(),
        "credential.epoch": 0,
    }
