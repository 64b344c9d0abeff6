"""Exchanges of the guard matrix: one for each cell, through the real exchange and stages, with a client that records."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

from outgate.dialects import registry
from outgate.dialects.bedrock.event_stream import CONTENT_TYPE
from outgate.dialects.translation import LOSSES
from outgate.exchange.body import MemoryPool, RequestBody
from outgate.exchange.deps import ExchangeDeps
from outgate.exchange.exchange import Exchange
from outgate.identity.workloads import digest_of
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_source
from outgate.policy.source import Source, read_source
from outgate.policy.stage_types import Ports, models_asked
from outgate.testing.behaviour import _head, _taken, _token
from outgate.testing.cases import RequestIn
from outgate.testing.ports import behaviour_ports
from outgate.upstreams.retry_budget import RetryBudget
from support.gemini_answers import MODEL
from support.guard_matrix import JUDGED, NO_ACT, NO_PLACE, NO_STREAM, PHRASES, Cell, Seen, dialects, differences, speech
from support.guard_places import Asked, Told
from support.speeches import TOLD

_ADMITS = "  admit_parts: {allow_unjudged: [file]}\n"


def _policy(stages: str) -> str:
    providers = "".join(
        f"  {name}: {{host: api.{name}.test, dialect: {name}}}\n" for name in sorted({speech(each).provider for each in dialects()})
    )
    drop = ", ".join(LOSSES)
    for name in TOLD:
        known, apis = registry.spec(name), f"apis: [{name}], " if name in registry.conversations() else ""
        providers += f"  at-{name}: {{host: at-{name}.test, dialect: {known.provider}, translation: {{{apis}drop: [{drop}]}}}}\n"
    head = f"version: 1\nproviders:\n{providers}workloads:\n  app: {{token_hashes: ['{digest_of(_token('app'))}']}}\n"
    models = ", ".join(f"to-{name}: [{{provider: at-{name}, model: claude-sonnet-4-5}}]" for name in TOLD)
    first = f"  authenticate: {{}}\n  authorize: {{allow: [{{}}]}}\n  model_map: {{passthrough: true, models: {{{models}}}}}\n"
    return f"{head}stages:\n{first}{stages}routes:\n- name: all\n"


def _policies() -> dict[str, str]:
    """The stages of each policy, by direction and action."""
    rules = ", ".join(f"phrase.{number}: {action}" for number, action in enumerate(PHRASES, start=1))
    guard = f"{{phrases: [{', '.join(PHRASES.values())}], rules: {{{rules}}}, channels: [{', '.join(Channel)}]}}"
    found = {"in": f"{_ADMITS}  redact: {{}}\n  prompt_guard: {guard}\n"}
    for action, word in JUDGED["output_phrases"].items():
        found[f"out-{action}"] = f"{_ADMITS}  output_phrases: {{phrases: [{PHRASES['deny']}], action: {word}}}\n"
    for action, word in JUDGED["output_pii"].items():
        found[f"out-{action}"] = f"{_ADMITS}  output_pii: {{action: {word}}}\n"
    marked = f"{{tools: ['**'], where: [{{contains: {PHRASES['withhold']}}}]}}"
    named = f"{{tools: ['**'], arguments: {{propertyNames: {{pattern: {PHRASES['withhold']}}}, minProperties: 1}}}}"
    found["out-withhold"] = f"  tool_policy: {{deny: [{marked}, {named}]}}\n"
    return found


class _Answer:
    """A provider's answer, as bytes: a stream event by event."""

    status = 200

    def __init__(self, body: bytes, streamed: bool) -> None:
        plain = "application/json" if body[:1] == b"{" else "audio/mpeg"
        kind = CONTENT_TYPE if body[:1] == b"\0" else "text/event-stream" if streamed else plain
        self.headers = Headers([("content-type", kind)])
        self._unread = [piece + b"\n\n" for piece in body.split(b"\n\n") if piece] if kind == "text/event-stream" else [body]

    async def read(self) -> bytes:
        await asyncio.sleep(0)
        return self._unread.pop(0) if self._unread else b""

    async def close(self) -> None:
        """Nothing is open."""


class Matrix:
    """Asks each cell under the policy it needs."""

    def __init__(self, ports: Ports, policies: dict[str, LivePolicy]) -> None:
        self._ports, self._policies = ports, policies

    async def ask(self, cell: Cell, number: int) -> Seen:
        policy = self._policies["in" if cell.direction == "in" else f"out-{cell.action}"]
        text = f"Note {number}: {cell.marker} ok"
        speech, sent = cell.speech, []
        body = speech.body(cell.streamed)
        if isinstance(cell.place, Asked):
            body |= cell.place.put(text)
        answer = _answer(cell, text)

        async def opened(request: Any) -> _Answer:
            sent.append(request.body.decode("utf-8", "replace"))
            return _Answer(answer, cell.streamed)

        self._ports.client.open = opened
        path = speech.path(cell.streamed)
        if cell.to and "model" in body:
            body["model"] = f"to-{cell.to}"
        elif cell.to:
            path = path.replace(MODEL, f"to-{cell.to}")
        described, written = speech.written(body)
        fields = {"content-type": described}
        request = RequestIn(workload="app", destination=speech.provider, path=path, headers=fields)
        return await self._exchanged(policy, request, written, cell, sent)

    async def _exchanged(self, policy: LivePolicy, request: RequestIn, written: bytes, cell: Cell, sent: list[str]) -> Seen:
        ports, head = self._ports, _head(policy, request)
        deps = ExchangeDeps(
            policy=lambda: policy, nanoseconds=time.perf_counter_ns, seconds=ports.monotonic, wall=ports.wall, ids=ports.ids,
            credentials=ports.credentials, tokenizers=ports.tokenizers, flights=ports.flights,
            budget=RetryBudget(ports.monotonic), own_name=lambda: "outgate-0",
        )  # fmt: skip
        incoming = RequestBody(MemoryPool(1 << 24), 1 << 20, (head.connection.peer,))
        incoming.feed(written)
        incoming.end()
        exchange = Exchange(head, deps, incoming)
        exchange.task = asyncio.get_running_loop().create_task(exchange.run())
        status, body = await _taken(exchange.channel)
        await exchange.task
        facts = exchange.execution
        assert facts is not None
        verdict = facts.get(f"verdict.{_guard(cell)}")
        return Seen(status, body, sent[0] if sent else None, verdict, facts.get("redacted"), _said(cell, body))


def _guard(cell: Cell) -> str:
    """The guard whose verdict is looked at."""
    return "prompt_guard" if cell.direction == "in" else "out." + next(name for name, acts in JUDGED.items() if cell.action in acts)


def _answer(cell: Cell, text: str) -> bytes:
    place = cell.place if cell.direction == "out" else (TOLD[cell.to] if cell.to else cell.speech.told)[Channel.ASSISTANT]
    assert isinstance(place, Told)
    said = text if cell.direction == "out" else "Fine."
    if cell.streamed:
        assert place.streamed
        return place.streamed(said)
    return cell.speech.reply or orjson.dumps(place.whole(said))


def _said(cell: Cell, body: str) -> str:
    """Every text of an answer, each part of a stream joined."""
    operation = registry.operation_for("POST", cell.speech.path(cell.streamed), cell.speech.provider)
    decoder, parts = registry.dialect(cell.api).answer(operation, cell.streamed, True), {}
    try:
        events = [*decoder.feed(body.encode()), *decoder.end()]
    except Exception:
        events = []
    for event in events:
        for text in event.texts:
            parts[text.part] = parts.get(text.part, "") + text.text
    return "\n".join(parts.values())


async def results(asked: Sequence[Cell], *, guards: bool = True) -> dict[Cell, tuple[str, ...]]:
    """The differences of each of these cells; none for one that has no place or no such action. Without `guards` nobody judges."""
    with tempfile.TemporaryDirectory() as folder:
        async with behaviour_ports() as ports:
            policies = {
                name: load_source(_source(Path(folder), name, stages if guards else ""), ports)
                for name, stages in _policies().items()
            }
            for live in policies.values():
                await ports.model_server.prepare(models_asked(live.stages))
                await live.start()
            matrix, found = Matrix(ports, policies), {}
            for number, cell in enumerate(asked):
                run = cell.reason not in (NO_PLACE, NO_STREAM, NO_ACT)
                found[cell] = tuple(differences(cell, await matrix.ask(cell, number))) if run else ()
            for live in policies.values():
                await live.stop()
            return found


def _source(folder: Path, name: str, stages: str) -> Source:
    path = folder / f"{name}.yaml"
    path.write_text(_policy(stages))
    return read_source(path)
