"""Compare a fresh answer with the kept one that was or would have been given: how the error of similar answers is known.

After everything else, for what is sampled and in shadow mode. The model server compares and counts (`answers/bound.py`). No
exchange waits for it: a client that closes its connection would end what it waits for.
"""

from asyncio import Task, gather, get_running_loop, timeout
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from outgate.answers.calls import calls
from outgate.answers.questions import Compare, compare
from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names, renamed
from outgate.dialects.registry import dialect
from outgate.inference.cached import Candidate
from outgate.inference.operation import Operation
from outgate.inference.params import Form
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event
from outgate.metering.metrics import Metrics
from outgate.model_server.client import ModelClient
from outgate.model_server.wire import ModelServerError
from outgate.pipeline.contract import Contract, Effect, OnError
from outgate.pipeline.stage import Stage
from outgate.stores.answers import Answers

_COMPARED = "outgate_cache_comparisons_total"
_LIMIT, _MOST = 10.0, 64
"""Seconds for one comparison, and how many are under way at most: others are left out."""


class Recorded(Protocol):
    """What `cache_record` leaves behind."""

    def body(self) -> bytes | None: ...


class Reads(NamedTuple):
    """The two answers, and whose they are."""

    r_client: bool
    cache_candidate: Candidate | None
    cache_names: Names | None
    cache_recording: Recorded | None
    outcome: str
    operation: Operation
    answer_form: Form
    principal: Principal | None


class CacheCompare(Stage):
    """Writes `cache.compared`: whether a comparison was begun."""

    name = "cache_compare"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings, answers: Answers, model_server: ModelClient, metrics: Metrics) -> None:
        self._settings, self._answers, self._models, self._metrics = settings, answers, model_server, metrics
        self._running: set[Task[None]] = set()
        self.contract = Contract.of(
            Reads,
            writes=("cache.compared",),
            effect=Effect.IDEMPOTENT,
            on_error=OnError.FALLBACK,
            fallback=(False,),
            optional=("cache.candidate", "cache.names", "cache.recording", "principal"),
            cost=0.1,
        )

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the comparisons that are under way."""
        await gather(*self._running, return_exceptions=True)

    def run(self, facts: Reads) -> tuple[bool]:
        candidate, who = facts.cache_candidate, facts.principal
        if candidate is None or who is None or facts.outcome != "answered" or len(self._running) >= _MOST:
            return (False,)
        fresh, kept = self._fresh(facts), self._kept(facts, candidate.key, who.tenant)
        if fresh is None or kept is None:
            return (False,)
        question = Compare(
            key=candidate.key,
            tenant=who.tenant,
            delta=self._settings.similar.delta,
            score=candidate.score,
            stored=said(kept),
            fresh=said(fresh),
            same_calls=calls(kept) == calls(fresh),
            reworded=candidate.reworded,
        )
        task = get_running_loop().create_task(self._compare(question))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return (True,)

    async def _compare(self, question: Compare) -> None:
        try:
            async with timeout(_LIMIT):
                compared = await compare(self._models, question, question.tenant)
        except (ModelServerError, TimeoutError):
            self._metrics.add(_COMPARED, ("failed", ""))
        else:
            self._metrics.add(_COMPARED, ("same" if compared.same else "different", compared.bound))

    def _fresh(self, facts: Reads) -> Sequence[Event] | None:
        body = facts.cache_recording.body() if facts.cache_recording is not None else None
        return renamed(_read(facts, body), (facts.cache_names or NONE).inward) if body is not None else None

    def _kept(self, facts: Reads, key: bytes, tenant: str) -> Sequence[Event] | None:
        entry = self._answers.get(key, self._settings.max_age)
        return _read(facts, entry.body) if entry is not None and entry.tenant == tenant else None


def said(events: Sequence[Event]) -> str:
    """What the model said to the caller: neither its reasoning, nor what was told twice."""
    return "".join(text.text for event in events for text in event.texts if text.channel is Channel.ASSISTANT and not text.repeated)


def _read(facts: Reads, body: bytes) -> Sequence[Event]:
    return dialect(facts.operation.dialect).redecode(
        facts.operation, facts.answer_form.stream, body, facts.answer_form.include_usage
    )
