"""Answer from the cache where the same question was answered in other words, everything else of the request being the same.

The model server embeds the question, says which kept answer is nearest, and whether it may be given (`answers/judgement.py`); this
stage reads it by its key. In shadow mode it tells what it would have given, and the provider is asked. Whatever fails is a miss.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from outgate.answers.keys import Partition
from outgate.answers.look_up import LookUp
from outgate.answers.questions import Found
from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names
from outgate.inference.cached import CacheStatus, Candidate
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.metering.metrics import Metrics
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedders
from outgate.net.cache_control import NO_WISHES, CacheControl
from outgate.pipeline.contract import Contract, May, OnError
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Stage
from outgate.stages.cache import LOOKUPS, answered, replayed
from outgate.stores.answers import Answers, CachedAnswer
from outgate.stores.memo import Memo

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


type Written = tuple[CacheStatus, Candidate | None, bytes]


class CacheSimilar(Stage):
    """Writes `cache.similar`, `cache.candidate` where the fresh answer is to be compared with a kept one, and `cache.vector`."""

    name = "cache_similar"
    settings_type = CacheSettings

    def __init__(
        self,
        settings: CacheSettings,
        answers: Answers,
        model_server: ModelClient,
        memo: Memo,
        embedders: Embedders,
        metrics: Metrics,
        wall: Callable[[], float],
    ) -> None:
        self._settings, self._similar = settings, settings.similar
        self._answers, self._metrics, self._wall = answers, metrics, wall
        embedder = embedders.named(settings.similar.model)
        self._look_up = LookUp(settings, model_server, memo, embedder)
        self.asks = (("answers", embedder.options),)
        self.contract = Contract.of(
            Reads,
            writes=("cache.similar", "cache.candidate", "cache.vector"),
            may=May.RESPOND,
            limit=settings.similar.limit + _SLACK,
            on_error=OnError.FALLBACK,
            fallback=(CacheStatus(_TIER, "failed"), None, b""),
            optional=("prompt.vector", "cache.partition", "cache.names", "cache.control"),
            cost=20.0,
            passes=0.9,
        )

    async def run(self, facts: Reads) -> Written | Answer:
        wishes, asked = facts.cache_control or NO_WISHES, facts.cache_partition
        if asked is None:
            return self._told(b"", "bypass" if wishes.no_store else "uncacheable")
        early, who = facts.prompt_vector, facts.principal
        if wishes.no_cache:
            return self._told(await self._look_up.embedded(asked.text, who) if early is None else early, "bypass")
        found, vector = (None, b"") if early == b"" else await self._look_up.found(asked, early or b"", who, self._wall())
        if found is None:
            return self._told(vector, "failed")
        near = found.status(_TIER)
        if not found.served or found.key is None:
            return self._told(vector, "miss", found.reason, near)
        entry = self._entry(found.key, facts.principal)
        age = max(0.0, self._wall() - entry.created) if entry is not None else 0.0
        if entry is None or not wishes.accepts(age, self._settings.max_age):
            return self._told(vector, "miss", "gone" if entry is None else "old", near)
        return self._given(facts, entry, found, near._replace(age=age), vector)

    def _entry(self, key: bytes, principal: Principal) -> CachedAnswer | None:
        """The answer of this key, which must be one of the caller's own tenant, whatever the index says."""
        entry = self._answers.get(key, self._settings.max_age)
        return entry if entry is not None and entry.tenant == principal.tenant else None

    def _given(self, facts: Reads, entry: CachedAnswer, found: Found, hit: CacheStatus, vector: bytes) -> Written | Answer:
        wishes = facts.cache_control or NO_WISHES
        events = replayed(facts.operation, facts.params, entry, facts.cache_names or NONE)
        if events is None:
            return self._told(vector, "miss", "placeholders", hit._replace(age=None))
        status = self._counted(hit._replace(result=self._result(facts.exchange_id, wishes)))
        if status.result != "hit":
            return (status, Candidate(found.key or b"", found.score or 0.0, found.reworded), vector)
        return answered(entry, events, status, self._settings.max_age, (status, None, vector))

    def _result(self, exchange_id: str, wishes: CacheControl) -> str:
        """`hit`, unless the provider is to be asked: always in shadow mode, else for a share of the exchanges, by their id."""
        if self._similar.mode != "on":
            return "shadow"
        drawn = int.from_bytes(sha256(exchange_id.encode()).digest()[:4]) / 2**32
        return "sampled" if drawn < self._similar.sample and not wishes.only_if_cached else "hit"

    def _told(self, vector: bytes, result: str, reason: str = "", near: CacheStatus = _NOTHING) -> Written:
        return (self._counted(near._replace(result=result, reason=reason)), None, vector)

    def _counted(self, status: CacheStatus) -> CacheStatus:
        self._metrics.add(LOOKUPS, (_TIER, status.result))
        return status
