"""Answer from the cache where the same question was answered in other words, everything else of the request being the same.

The model server says which kept answer is nearest, and whether it may be given (`answers/judgement.py`); this stage reads it by its
key. In shadow mode it tells what it would have given, and the provider is asked. Whatever fails here is a miss.
"""

from asyncio import timeout
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from outgate.answers.keys import Partition
from outgate.answers.questions import Found, Nearest, nearest
from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names
from outgate.inference.cached import CacheStatus, Candidate
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.metering.metrics import Metrics
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.model_server.wire import ModelServerError
from outgate.net.cache_control import NO_WISHES, CacheControl
from outgate.pipeline.contract import Contract, May, OnError
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Stage
from outgate.stages.cache import LOOKUPS, answered, replayed
from outgate.stores.answers import Answers, CachedAnswer

_TIER = "similar"
_SLACK = 1.0
_NOTHING = CacheStatus(_TIER, "")


class Reads(NamedTuple):
    """The question, what is kept apart from it, and who asks."""

    cache_partition: Partition | None
    prompt_vector: bytes | None
    cache_names: Names | None
    cache_control: CacheControl | None
    principal: Principal
    operation: Operation
    params: Params
    exchange_id: str


type Written = tuple[CacheStatus, Candidate | None]


class CacheSimilar(Stage):
    """Writes `cache.similar`, and `cache.candidate` where the fresh answer is to be compared with a kept one."""

    name = "cache_similar"
    settings_type = CacheSettings

    def __init__(
        self,
        settings: CacheSettings,
        answers: Answers,
        model_server: ModelClient,
        embedders: Embedders,
        metrics: Metrics,
        wall: Callable[[], float],
    ) -> None:
        self._settings, self._similar = settings, settings.similar
        self._answers, self._models, self._metrics, self._wall = answers, model_server, metrics, wall
        self._encoder = embedders.named(settings.similar.model).version
        self.asks = (("answers", ()),)
        self.contract = Contract.of(
            Reads,
            writes=("cache.similar", "cache.candidate"),
            may=May.RESPOND,
            limit=settings.similar.limit + _SLACK,
            on_error=OnError.FALLBACK,
            fallback=(CacheStatus(_TIER, "failed"), None),
            optional=("prompt.vector", "cache.partition", "cache.names", "cache.control"),
            cost=20.0,
            passes=0.9,
        )

    async def run(self, facts: Reads) -> Written | Answer:
        wishes = facts.cache_control or NO_WISHES
        if facts.cache_partition is None or wishes.no_cache:
            return self._told("bypass" if wishes.no_cache or wishes.no_store else "uncacheable")
        found = await self._found(facts, facts.cache_partition)
        if found is None:
            return self._told("failed")
        near = found.status(_TIER)
        if not found.served or found.key is None:
            return self._told("miss", found.reason, near)
        entry = self._entry(found.key, facts.principal)
        age = max(0.0, self._wall() - entry.created) if entry is not None else 0.0
        if entry is None or not wishes.accepts(age, self._settings.max_age):
            return self._told("miss", "gone" if entry is None else "old", near)
        return self._given(facts, wishes, entry, found, near._replace(age=age))

    async def _found(self, facts: Reads, partition: Partition) -> Found | None:
        if facts.prompt_vector is None:
            return None
        question = Nearest(
            partition=partition.digest,
            tenant=facts.principal.tenant,
            text=partition.text,
            vector=facts.prompt_vector,
            encoder=self._encoder,
            threshold=self._similar.threshold,
            delta=self._similar.delta,
            max_age=self._settings.max_age,
            now=self._wall(),
        )
        try:
            async with timeout(self._similar.limit):
                return await nearest(self._models, question, facts.principal.tenant)
        except (ModelServerError, TimeoutError):
            return None

    def _entry(self, key: bytes, principal: Principal) -> CachedAnswer | None:
        """The answer of this key, which must be one of the caller's own tenant, whatever the index says."""
        entry = self._answers.get(key, self._settings.max_age)
        return entry if entry is not None and entry.tenant == principal.tenant else None

    def _given(self, facts: Reads, wishes: CacheControl, entry: CachedAnswer, found: Found, hit: CacheStatus) -> Written | Answer:
        events = replayed(facts.operation, facts.params, entry, facts.cache_names or NONE)
        if events is None:
            return self._told("miss", "placeholders", hit._replace(age=None))
        status = self._counted(hit._replace(result=self._result(facts.exchange_id, wishes)))
        if status.result != "hit":
            return (status, Candidate(found.key or b"", found.score or 0.0))
        return answered(entry, events, status, self._settings.max_age, (status, None))

    def _result(self, exchange_id: str, wishes: CacheControl) -> str:
        """`hit`, unless the provider is to be asked: always in shadow mode, else for a share of the exchanges, by their id."""
        if self._similar.mode != "on":
            return "shadow"
        drawn = int.from_bytes(sha256(exchange_id.encode()).digest()[:4]) / 2**32
        return "sampled" if drawn < self._similar.sample and not wishes.only_if_cached else "hit"

    def _told(self, result: str, reason: str = "", near: CacheStatus = _NOTHING) -> Written:
        return (self._counted(near._replace(result=result, reason=reason)), None)

    def _counted(self, status: CacheStatus) -> CacheStatus:
        self._metrics.add(LOOKUPS, (_TIER, status.result))
        return status
