"""Answer from the cache where the very same request was answered before, for the same caller, under the same rules.

`answers/keys.py` says what the same is. Callers who differ only in what was redacted share an answer: it is kept with placeholders
by kind and order, and each gets its own. What has no key (None) is neither looked up nor stored.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.answers.keys import Partition, is_cacheable, keys_of
from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names, renamed
from outgate.dialects.registry import dialect
from outgate.errors import WireError
from outgate.inference.cached import CacheStatus
from outgate.inference.operation import Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.inference.stream import Event, EventStream
from outgate.metering.metrics import Metrics
from outgate.net.cache_control import NO_WISHES, CacheControl
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Stage
from outgate.stores.answers import Answers, CachedAnswer

LOOKUPS, _TIER = "outgate_cache_lookups_total", "exact"
_SIMILAR = ("embed", "cache_similar", "cache_compare")


class Reads(NamedTuple):
    """What an answer depends on."""

    prompt: Prompt
    tools: Tools
    params: Params
    model: str
    provider: str | None
    headers_out: tuple[tuple[str, str], ...] | None
    principal: Principal
    destination: str
    path: str
    operation: Operation
    policy_rules: str
    cache_control: CacheControl | None = None


type Written = tuple[bytes | None, Names, CacheStatus, Partition | None]


class Cache(Stage):
    """Writes `cache.key`, 32 bytes or None, and with it the placeholders of the prompt and what the look-up found."""

    name = "cache"
    settings_type = CacheSettings
    companions = ("cache_control", "cache_join", "cache_record", "cache_write")

    def __init__(self, settings: CacheSettings, answers: Answers, metrics: Metrics, wall: Callable[[], float]) -> None:
        self._settings, self._answers, self._metrics, self._wall = settings, answers, metrics, wall
        self.contract = Contract.of(
            Reads,
            writes=("cache.key", "cache.names", "cache.status", "cache.partition"),
            may=May.RESPOND,
            optional=("provider", "headers.out", "cache.control"),
            cost=0.02,
            passes=0.9,
        )

    @classmethod
    def companions_for(cls, settings: Mapping[str, Any]) -> tuple[str, ...]:
        similar = settings.get("similar")
        looks = isinstance(similar, Mapping) and similar.get("mode", "off") != "off"
        return (*cls.companions, *_SIMILAR) if looks else cls.companions

    def run(self, facts: Reads) -> Written | Answer:
        wishes, settings = facts.cache_control or NO_WISHES, self._settings
        if wishes.no_store or not is_cacheable(facts, settings):
            return self._told((None, NONE, None), "bypass" if wishes.no_store else "uncacheable")
        keys = keys_of(facts, settings)
        entry = self._answers.get(keys.key, settings.max_age)
        age = max(0.0, self._wall() - entry.created) if entry is not None else 0.0
        if entry is None or not wishes.accepts(age, settings.max_age):
            return self._told(keys, "miss" if entry is None else "bypass")
        events = replayed(facts.operation, facts.params, entry, keys.names)
        if events is None:
            return self._told(keys, "miss")
        status = self._counted("hit", age)._replace(entry=entry.request)
        return answered(entry, events, status, settings.max_age, (keys.key, keys.names, status, keys.partition))

    def _told(self, keys: tuple[bytes | None, Names, Partition | None], result: str) -> Written:
        key, names, partition = keys
        return (key, names, self._counted(result), partition)

    def _counted(self, result: str, age: float | None = None) -> CacheStatus:
        self._metrics.add(LOOKUPS, (_TIER, result))
        return CacheStatus(_TIER, result, age=age)


def replayed(operation: Operation, params: Params, entry: CachedAnswer, names: Names) -> Sequence[Event] | None:
    """The events of a kept answer, with the caller's own placeholders; None where it is none, or names another one."""
    try:
        events = dialect(operation.dialect).redecode(operation, params.stream, entry.body, params.include_usage)
    except WireError:
        return None
    return renamed(events, names.outward) if names else events


def answered(
    entry: CachedAnswer, events: Sequence[Event], status: CacheStatus, lifetime: float, outputs: tuple[object, ...]
) -> Answer:
    """The answer of the gateway that a hit is."""
    age = status.age or 0.0
    fields = [("content-type", entry.content_type), ("cache-status", status.field(lifetime)), ("age", str(int(age)))]
    return Answer(entry.status, Headers(fields), EventStream.of(events), "cache", outputs=outputs)
