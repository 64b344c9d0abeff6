"""Run behaviour tests against a compiled policy, up to the dispatch: the real stages, and no provider."""

import base64
import copy
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.spec import RequestLine
from outgate.errors import Denial, WireError
from outgate.identity.workloads import digest_of
from outgate.inference.operation import Operation
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.net.secret import Secret
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Answer, Plan
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_source
from outgate.policy.source import Source, read_source
from outgate.testing.cases import Caller, Case, RequestIn, UpstreamOut, cases_beside, read_cases
from outgate.testing.ports import NOW, behaviour_ports, warm
from outgate.upstreams.catalog import destinations


class Failed(NamedTuple):
    """A test that did not pass: where it stands, and every difference."""

    case: str
    line: int
    differences: tuple[str, ...]


@dataclass(slots=True)
class Ended:
    """How a request ended."""

    decision: str = "allowed"
    code: str | None = None
    stage: str | None = None
    status: int | None = None
    route: str | None = None
    answer: str = ""
    execution: Execution | None = None
    ran: list[str] = field(default_factory=list)


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
        await warm(live.stages)
        await live.start()
        try:
            for index, case in enumerate(cases):
                request_id = f"req_test_{index}"
                ended = await _live(live, case.request, request_id)
                ports.accounts.release(request_id)  # what one test would have spent is not missing in the next
                differences = tuple(_differences(case, ended))
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


async def _live(policy: LivePolicy, request: RequestIn, request_id: str) -> Ended:
    """The life of a request as the exchange leads it, up to the dispatch."""
    ended = Ended()
    conn, facts = _arrival(policy, request)
    facts["exchange.id"] = request_id
    backend = policy.destination(facts["destination"])
    if backend is None:
        return _denied(ended, Denial(code="destination_denied", status=403, message=""))
    try:
        operation = facts["operation"] = operation_for(request.method, request.path, backend.dialect)
        if conn.entry is Entry.CONNECT and await _stopped(
            ended, policy.connect, facts | {"method": "CONNECT", "headers": Headers()}
        ):
            return ended
        if await _stopped(ended, policy.head, facts):
            return ended
        return await _routed(policy, request, ended, operation, facts)
    except WireError as error:
        return _denied(ended, Denial(code=error.code, status=400, message=""))


async def _routed(policy: LivePolicy, request: RequestIn, ended: Ended, operation: Operation, facts: dict[str, Any]) -> Ended:
    line = RequestLine(request.method, request.path, operation)
    decoded = dialect(operation.dialect).decode(line, facts["headers"], _body(request))
    backend = policy.destination(facts["destination"])
    assert ended.execution is not None
    principal = ended.execution.get("principal")
    assert backend is not None
    route = policy.match(backend.name, request.method, request.path, operation, decoded.model, principal)
    if route is None:
        return _denied(ended, Denial(code="no_route", status=403, message=""))
    ended.route = route.name
    ended.ran.clear()
    body = {"prompt": decoded.prompt, "tools": decoded.tools, "params": decoded.params, "model.requested": decoded.model}
    await _stopped(ended, route.plan, facts | body | {"route": route.name})
    return ended


def _arrival(policy: LivePolicy, request: RequestIn) -> tuple[Connection, dict[str, Any]]:
    backend = policy.catalog.by_name(request.destination)
    destination = destinations(backend)[0] if backend is not None else request.destination
    caller = _caller(request)
    entry = Entry(request.via)
    fields = [(name.lower(), value) for name, value in request.headers.items()]
    basic = base64.b64encode(f"{caller.name}:{_token(caller.name)}".encode()).decode() if caller is not None else ""
    if caller is not None and entry is Entry.BASE_URL:
        fields = [field for field in fields if field[0] not in ("authorization", "x-api-key")]
        fields.append(("authorization", f"Bearer {_token(caller.name)}"))
    if caller is not None and entry is Entry.ABSOLUTE:
        fields.append(("proxy-authorization", f"Basic {basic}"))
    presented = Secret(f"Basic {basic}") if basic and entry is Entry.CONNECT else None
    conn = Connection(peer="192.0.2.1", entry=entry, authority=destination, proxy_authorization=presented)
    return conn, {
        "conn": conn,
        "destination": destination,
        "method": request.method,
        "path": request.path,
        "headers": Headers(fields),
        "route": "",
        "started": NOW,
        "policy.revision": policy.revision,
        "endpoint.state": frozenset(),
        "provider.state": frozenset(),
        "credential.epoch": 0,
    }


def _body(request: RequestIn) -> bytes:
    if request.body is None:
        return b""
    return request.body.encode() if isinstance(request.body, str) else orjson.dumps(request.body)


async def _stopped(ended: Ended, plan: Plan, facts: Mapping[str, Any]) -> bool:
    """Run a plan but its dispatch; whether it ended there."""
    execution = ended.execution = Execution(plan, time.perf_counter_ns)
    execution.give(facts)
    steps = tuple(step for step in plan.request if step.name != "dispatch")
    try:
        outcome = await execution.ensure(steps)
    finally:
        ended.ran += [ran.stage for ran in execution.trace]
    if isinstance(outcome, Denial):
        _denied(ended, outcome)
    elif isinstance(outcome, Answer):
        ended.decision, ended.stage, ended.status = "answered", execution.trace[-1].stage, outcome.status
        events = [event async for batch in outcome.stream.source for event in batch]
        ended.answer = b"".join(event.encode() for event in events).decode("utf-8", "replace")
    return outcome is not None


def _denied(ended: Ended, denial: Denial) -> Ended:
    ended.decision, ended.code, ended.status, ended.stage = "denied", denial.code, denial.status, denial.stage or None
    return ended


def _differences(case: Case, ended: Ended) -> Iterator[str]:
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
    if expect.upstream is not None and ended.decision == "allowed" and ended.execution is not None:
        yield from _upstream_differences(expect.upstream, ended.execution)


def _upstream_differences(expect: UpstreamOut, execution: Execution) -> Iterator[str]:
    origination = execution.get("wire.origination")
    plain = {
        "provider": execution.get("backend").provider,
        "host": origination.host,
        "sni": origination.sni,
        "path": execution.get("wire.path"),
        "credential": execution.get("wire.auth") is not None,
    }
    for name, found in plain.items():
        wanted = getattr(expect, name)
        if wanted is not None and wanted != found:
            yield f"upstream {name}: expected {wanted}, got {found}"
    fields = dict(execution.get("wire.headers"))
    for name, value in expect.headers.items():
        if fields.get(name.lower()) != value:
            yield f"upstream header {name} is not {'absent' if value is None else repr(value)}"
    body: bytes = execution.get("wire.body")
    if expect.body is not None:
        yield from _part(expect.body, orjson.loads(body) if body else None, "body")
    yield from (f"upstream body holds {text!r}" for text in expect.body_lacks if text.encode() in body)


def _part(wanted: Any, found: Any, where: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            yield from _part(value, found.get(name), f"{where}.{name}")
    elif wanted != found:
        yield f"upstream {where}: expected {wanted!r}, got {found!r}"
