"""Run behaviour tests against a compiled policy: the real exchange, and a client that records instead of dialling."""

import base64
import copy
import time
from asyncio import get_running_loop
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from outgate.errors import Denial
from outgate.exchange.body import MemoryPool, RequestBody
from outgate.exchange.channel import Abort, End, RequestHead, ResponseChannel, ResponseHead
from outgate.exchange.deps import ExchangeDeps
from outgate.exchange.exchange import Exchange
from outgate.exchange.tunnel import Tunnel
from outgate.identity.workloads import digest_of
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.net.via import pseudonym
from outgate.pipeline.executor import Execution
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_source
from outgate.policy.source import Source, read_source
from outgate.policy.stage_types import Ports, models_asked
from outgate.testing.beside import cases_beside
from outgate.testing.cases import Caller, Case, RequestIn, UpstreamOut, read_cases
from outgate.testing.ports import behaviour_ports
from outgate.upstreams.catalog import destinations
from outgate.upstreams.client import OutboundRequest
from outgate.upstreams.retry_budget import RetryBudget


class Failed(NamedTuple):
    """A test that did not pass: where it stands, and every difference."""

    case: str
    line: int
    differences: tuple[str, ...]


class CaseResult(NamedTuple):
    """How a request ended, which stages ran, and what the provider was sent."""

    decision: str
    code: str | None = None
    stage: str | None = None
    status: int | None = None
    route: str | None = None
    answer: str = ""
    ran: tuple[str, ...] = ()
    sent: OutboundRequest | None = None


async def run_behaviour(policy: Path, *, elsewhere: bool = False) -> tuple[int, tuple[Failed, ...]]:
    """How many tests lie beside the policy, and which of them fail. Raises PolicyError for a policy or test file that is wrong."""
    path = cases_beside(policy)
    if not path.is_file():
        return 0, ()
    cases, tests = read_cases(path)
    source = _with_callers(read_source(policy), cases)
    failed = []
    async with behaviour_ports() as ports:
        live = load_source(source, ports, elsewhere=elsewhere)
        await ports.model_server.prepare(models_asked(live.stages))
        await live.start()
        try:
            for index, case in enumerate(cases):
                differences = tuple(_differences(case, await _outcome(live, ports, case)))
                if differences:
                    failed.append(Failed(case.name, tests.line_of((index,)), differences))
        finally:
            await live.stop()
    return len(cases), tuple(failed)


def _token(name: str) -> str:
    return f"token-of-{name}-in-tests"


def _caller(request: RequestIn) -> Caller | None:
    return Caller(name=request.workload) if isinstance(request.workload, str) else request.workload


def _with_callers(source: Source, cases: tuple[Case, ...]) -> Source:
    """The policy with a token for every workload that the tests name."""
    data = copy.deepcopy(source.data) or {}
    workloads = data.setdefault("workloads", {}) or {}
    data["workloads"] = workloads
    for case in cases:
        caller = _caller(case.request)
        if caller is not None:
            known = workloads.get(caller.name)
            section: dict[str, Any] = known if isinstance(known, dict) else {"tenant": caller.tenant, "groups": list(caller.groups)}
            hashes = section.setdefault("token_hashes", [])
            if digest_of(_token(caller.name)) not in hashes:
                hashes.append(digest_of(_token(caller.name)))
            workloads[caller.name] = section
    return Source(source.file, data, source.lines)


async def _outcome(policy: LivePolicy, ports: Ports, case: Case) -> CaseResult:
    """Lead a request through a tunnel, where it comes by CONNECT, and the exchange."""
    request = case.request
    ports.client.sent.clear()
    ports.client.answer, ports.client.services = case.answer, case.services
    deps = ExchangeDeps(
        policy=lambda: policy, nanoseconds=time.perf_counter_ns, seconds=ports.monotonic, wall=ports.wall, ids=ports.ids,
        credentials=ports.credentials, tokenizers=ports.tokenizers, flights=ports.flights,
        budget=RetryBudget(ports.monotonic), own_name=lambda: pseudonym(ports.state_secret.derive("via")),
    )  # fmt: skip
    head = _head(policy, request)
    if head.connection.entry is Entry.CONNECT:
        tunnel = Tunnel(deps.ids(), head.connection, head.destination, None, deps)
        denial = await tunnel.judge(policy)
        if denial is not None:
            return _ended(denial, tunnel.execution)
    limits = policy.gateway.limits
    body = RequestBody(MemoryPool(limits.buffered_bytes), limits.largest, (head.connection.peer,))
    body.feed(_body(request))
    body.end()
    exchange = Exchange(head, deps, body)
    exchange.task = get_running_loop().create_task(exchange.run())
    status, answer = await _taken(exchange.channel)
    await exchange.task
    outcome = _ended(exchange.denial, exchange.execution)._replace(answer=answer)
    if exchange.denial is not None:
        return outcome
    if ports.client.sent:
        return outcome._replace(sent=ports.client.sent[0 if case.answer is None else -1])
    return outcome._replace(decision="answered", status=status)


def _ended(denial: Denial | None, execution: Execution | None) -> CaseResult:
    """The decision, and the stages of the request plan that ran; what ran in the plan of the head counts where the route has it."""
    assert execution is not None
    named = {step.name for step in execution.plan.request}
    ran = tuple(ran.stage for ran in execution.trace if ran.stage in named)
    answered = next((ran.stage for ran in execution.trace if ran.verdict == "answered"), None)
    outcome = CaseResult("allowed", stage=answered, route=execution.get("route") or None, ran=ran)
    if denial is None:
        return outcome
    return outcome._replace(decision="denied", code=denial.code, status=denial.status, stage=denial.stage or None)


async def _taken(channel: ResponseChannel) -> tuple[int, str]:
    """Status and body of a response, to its end."""
    status, body = 0, b""
    while True:
        for part in await channel.take():
            if isinstance(part, End | Abort):
                return status, body.decode("utf-8", "replace")
            status, body = (part.status, body) if isinstance(part, ResponseHead) else (status, body + part)


def _head(policy: LivePolicy, request: RequestIn) -> RequestHead:
    backend = policy.catalog.by_name(request.destination)
    destination = destinations(backend)[0] if backend is not None else request.destination
    caller, entry = _caller(request), Entry(request.via)
    fields = [(name.lower(), value) for name, value in request.headers.items()]
    basic = base64.b64encode(f"{caller.name}:{_token(caller.name)}".encode()).decode() if caller is not None else ""
    if caller is not None and entry is Entry.BASE_URL:
        fields = [field for field in fields if field[0] not in ("authorization", "x-api-key")]
        fields.append(("authorization", f"Bearer {_token(caller.name)}"))
    if caller is not None and entry is Entry.ABSOLUTE:
        fields.append(("proxy-authorization", f"Basic {basic}"))
    presented = Secret(f"Basic {basic}") if basic and entry is Entry.CONNECT else None
    conn = Connection(peer="192.0.2.1", entry=entry, authority=destination, proxy_authorization=presented)
    return RequestHead(conn, request.method, request.path, Headers(fields), destination)


def _body(request: RequestIn) -> bytes:
    if request.body is None:
        return b""
    return request.body.encode() if isinstance(request.body, str) else orjson.dumps(request.body)


def _differences(case: Case, ended: CaseResult) -> Iterator[str]:
    """Every way in which it came out otherwise than expected."""
    expect = case.expect
    for name in ("decision", "code", "stage", "status", "route"):
        wanted, found = getattr(expect, name), getattr(ended, name)
        if wanted is not None and wanted != found:
            yield f"{name}: expected {wanted}, got {found}"
    if ended.decision == "denied" and expect.decision != "denied":
        yield f"it was denied by {ended.stage or 'the policy'}: {ended.code}"
    ran = iter(ended.ran)
    missing = next((name for name in expect.order if name not in ran), None)
    if missing is not None:
        yield f"order: {missing} did not run where expected; ran: {', '.join(ended.ran)}"
    yield from (f"{name} ran" for name in expect.not_run if name in ended.ran)
    if expect.answer_contains is not None and expect.answer_contains not in ended.answer:
        yield f"the answer does not contain {expect.answer_contains!r}"
    yield from (f"the answer holds {text!r}" for text in expect.answer_lacks if text in ended.answer)
    if expect.upstream is not None and ended.decision == "allowed" and ended.sent is not None:
        yield from _upstream_differences(expect.upstream, ended.sent)


def _upstream_differences(expect: UpstreamOut, sent: OutboundRequest) -> Iterator[str]:
    plain = {
        "provider": sent.backend.provider,
        "host": sent.origination.host,
        "sni": sent.origination.sni,
        "path": sent.path,
        "credential": sent.auth is not None,
    }
    for name, found in plain.items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != found:
            yield f"upstream {name}: expected {wanted}, got {found}"
    fields = dict(sent.headers)
    for name, value in expect.headers.items():
        if fields.get(name.lower()) != value:
            yield f"upstream header {name} is not {'absent' if value is None else repr(value)}"
    if expect.body is not None:
        yield from _part(expect.body, orjson.loads(sent.body) if sent.body else None, "body")
    yield from (f"upstream body does not hold {text!r}" for text in expect.body_has if text.encode() not in sent.body)
    yield from (f"upstream body holds {text!r}" for text in expect.body_lacks if text.encode() in sent.body)


def _part(wanted: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            yield from _part(value, found.get(name), f"{where}.{name}")
    elif wanted != found:
        yield f"upstream {where}: expected {wanted!r}, got {found!r}"
