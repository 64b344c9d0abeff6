"""Store the recorded answer, once its last byte has gone to the client.

Only an answer that a provider gave, with status 200, whole, and that the exchange ended well on. Runs after everything else, so
whatever happens here changes nothing for the caller.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from outgate.dialects.registry import dialect
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.inference.usage import Usage
from outgate.pipeline.contract import Contract, Effect, OnError
from outgate.pipeline.stage import Stage
from outgate.stores.answers import Answers, CachedAnswer


class Recorded(Protocol):
    """What `cache_record` leaves behind."""

    usage: Usage | None

    def body(self) -> bytes | None: ...


class Reads(NamedTuple):
    """The recording, and how the exchange ended."""

    r_client: bool
    cache_key: bytes | None
    cache_recording: Recorded | None
    outcome: str
    r_status: int
    r_source: str
    operation: Operation
    params: Params
    policy_revision: str


class CacheWrite(Stage):
    """Writes `cache.entry`: the CachedAnswer that was stored, or None."""

    name = "cache_write"

    def __init__(self, answers: Answers, wall: Callable[[], float]) -> None:
        self._answers = answers
        self._wall = wall
        self.contract = Contract.of(
            Reads,
            writes=("cache.entry",),
            effect=Effect.IDEMPOTENT,
            on_error=OnError.FALLBACK,
            fallback=(None,),
            optional=("cache.key", "cache.recording"),
            cost=0.01,
        )

    def run(self, facts: Reads) -> tuple[CachedAnswer | None]:
        key, recording = facts.cache_key, facts.cache_recording
        ended_well = facts.outcome == "answered" and facts.r_source == "upstream" and facts.r_status == 200
        body = recording.body() if recording is not None and ended_well else None
        if key is None or recording is None or body is None:
            return (None,)
        entry = CachedAnswer(
            status=facts.r_status,
            content_type=dialect(facts.operation.dialect).content_type(facts.params.stream),
            body=body,
            usage=recording.usage,
            created=self._wall(),
            revision=facts.policy_revision,
        )
        return (entry if self._answers.put(key, entry) else None,)
