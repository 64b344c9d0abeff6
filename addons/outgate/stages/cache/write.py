"""Store the recorded answer, once its last byte has gone to the client.

Only an answer that a provider gave, with status 200, whole, and that the exchange ended well on; and that names no placeholder but
those of its request, which are kept by kind and order. Runs after everything else, so whatever happens here changes nothing for
the caller.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from outgate.answers.keys import Partition
from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names, renamed
from outgate.dialects.cached_usage import marked
from outgate.dialects.registry import dialect, spec
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Form
from outgate.inference.principal import Principal
from outgate.inference.usage import Usage
from outgate.model_server.embedders import Embedders
from outgate.pipeline.contract import Contract, Effect, OnError
from outgate.pipeline.facts import fact_of_field
from outgate.pipeline.stage import Stage
from outgate.stores.answers import Answers, CachedAnswer, Similar

_WHOLE = ("answered", "client_gone")
"""Outcomes of an answer that was judged whole: one that its client left is, where others waited for it."""


class Recorded(Protocol):
    """What `cache_record` leaves behind."""

    usage: Usage | None

    def body(self) -> bytes | None: ...

    def names_any(self) -> bool: ...


class Reads(NamedTuple):
    """The recording, and how the exchange ended."""

    r_client: bool
    cache_key: bytes | None
    cache_names: Names | None
    cache_recording: Recorded | None
    cache_partition: Partition | None
    cache_vector: bytes
    outcome: str
    r_status: int
    r_source: str
    operation: Operation
    answer_form: Form
    model: str | None
    principal: Principal | None
    policy_revision: str
    exchange_id: str


_OPTIONAL = ("cache_key", "cache_names", "cache_recording", "cache_partition", "cache_vector", "model", "principal")


class CacheWrite(Stage):
    """Writes `cache.entry`: the CachedAnswer that was stored, or None."""

    name = "cache_write"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings, answers: Answers, embedders: Embedders, wall: Callable[[], float]) -> None:
        self._settings, self._answers, self._wall = settings, answers, wall
        similar = settings.similar
        self._encoder = embedders.named(similar.model).version if similar.mode != "off" else ""
        self.contract = Contract.of(
            Reads,
            writes=("cache.entry",),
            effect=Effect.IDEMPOTENT,
            on_error=OnError.FALLBACK,
            fallback=(None,),
            optional=tuple(fact_of_field(name) for name in _OPTIONAL),
            cost=0.01,
        )

    def run(self, facts: Reads) -> tuple[CachedAnswer | None]:
        key, recording = facts.cache_key, facts.cache_recording
        ended_well = facts.outcome in _WHOLE and facts.r_source == "upstream" and facts.r_status == 200
        body = _kept(facts, recording) if recording is not None and ended_well else None
        if body is not None and facts.operation.kind is Kind.CHAT:
            body = marked(body, spec(facts.operation.dialect).cached_usage)
        who = facts.principal
        if key is None or recording is None or body is None or who is None:
            return (None,)
        now = self._wall()
        entry = CachedAnswer(
            status=facts.r_status,
            content_type=dialect(facts.operation.dialect).content_type(facts.answer_form.stream),
            body=body,
            usage=recording.usage,
            created=now,
            expires=now + self._settings.max_age,
            revision=facts.policy_revision,
            tenant=who.tenant,
            workload=who.name,
            model=facts.model or "",
            kind=f"{facts.operation.dialect} {facts.operation.kind.value}",
            tags=self._settings.tags,
            request=facts.exchange_id,
            similar=self._kept_with(facts),
        )
        return (entry if self._answers.put(key, entry) else None,)

    def _kept_with(self, facts: Reads) -> Similar | None:
        """What the answer may be found by, where its question is one that is looked up."""
        asked, vector = facts.cache_partition, facts.cache_vector
        if asked is None or not vector or not self._encoder:
            return None
        return Similar(partition=asked.digest, text=asked.text, vector=vector, encoder=self._encoder, history=asked.history)


def _kept(facts: Reads, recording: Recorded) -> bytes | None:
    """The answer as it is kept; None for one that is not, or that holds a placeholder which is not of this request."""
    body, names = recording.body(), facts.cache_names or NONE
    if body is None or not (names or recording.names_any()):
        return body
    read = dialect(facts.operation.dialect).redecode(
        facts.operation, facts.answer_form.stream, body, facts.answer_form.include_usage
    )
    events = renamed(read, names.inward)
    if events is None:
        return None
    body = b"".join(event.encode() for event in events)
    lower = body.lower()
    left = any(word.partition("_")[2].encode() in lower for word in names.inward if word not in names.outward)
    return None if left else body
