"""Answer from the cache where the very same request was answered before, for the same caller, under the same rules.

`answers/keys.py` says what the same is. Callers who differ only in what was redacted share an answer: it is kept with placeholders
by kind and order, and each gets its own. What has no key (None) is neither looked up nor stored.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from outgate.answers.keys import keys_of
from outgate.detectors.pii.canonical import NONE, Names, renamed
from outgate.dialects.registry import dialect
from outgate.errors import Denial, WireError
from outgate.inference.cached import CacheStatus
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import Event, EventStream
from outgate.metering.metrics import Metrics
from outgate.net.cache_control import NO_WISHES, CacheControl
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Settings, Stage
from outgate.stores.answers import Answers, CachedAnswer

LOOKUPS, _TIER = "outgate_cache_lookups_total", "exact"
_TOOL_CHANNELS = frozenset({Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS})
_NOT_CACHED = "The request asks for an answer from the cache only, and there is none."


class CacheSettings(Settings):
    """What policies/*.yaml may say under `cache`; `cache_record` and `cache_write` come with it and are built from the same."""

    scope: Literal["workload", "tenant"] = "workload"
    """Who shares answers: one workload, or all workloads of a tenant. Tenants never do."""
    when: Literal["deterministic", "always"] = "deterministic"
    """`deterministic` caches embeddings, and conversations whose caller set `temperature: 0`; `always` also repeats answers
    that the provider would have given differently each time."""
    tools: bool = False
    """Also cache requests that offer tools or hold results of them. An answer that calls a tool is never cached."""
    max_answer_bytes: int = 1024 * 1024
    """Longer answers are not stored."""
    max_age: float = Field(default=3600.0, gt=0)
    """Seconds for which an answer is given again."""
    single_flight: bool = True
    """Requests that are the same, and come while the first is on its way, wait for its answer: one call of the provider, in each
    worker. A stream reaches those who wait when it is whole."""
    single_flight_wait: float = Field(default=30.0, gt=0)
    """Seconds for which a request waits so; then it goes to the provider itself."""


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


type Written = tuple[bytes | None, Names, CacheStatus]


class Cache(Stage):
    """Writes `cache.key`, 32 bytes or None, and with it the placeholders of the prompt and what the look-up found."""

    name = "cache"
    settings_type = CacheSettings
    companions = ("cache_control", "cache_join", "cache_record", "cache_write")

    def __init__(self, settings: CacheSettings, answers: Answers, metrics: Metrics, wall: Callable[[], float]) -> None:
        self._settings, self._answers, self._metrics, self._wall = settings, answers, metrics, wall
        self.contract = Contract.of(
            Reads,
            writes=("cache.key", "cache.names", "cache.status"),
            may=May.RESPOND | May.DENY,
            optional=("provider", "headers.out", "cache.control"),
            cost=0.02,
            passes=0.9,
        )

    def run(self, facts: Reads) -> Written | Answer | Denial:
        wishes = facts.cache_control or NO_WISHES
        if wishes.no_store or not self._cacheable(facts):
            return self._told(wishes, None, NONE, "bypass" if wishes.no_store else "uncacheable")
        key, names = keys_of(facts, self._settings.scope)
        entry = self._answers.get(key, self._settings.max_age)
        age = max(0.0, self._wall() - entry.created) if entry is not None else 0.0
        if entry is None or not wishes.accepts(age, self._settings.max_age):
            return self._told(wishes, key, names, "miss" if entry is None else "bypass")
        events = replayed(facts.operation, facts.params, entry, names)
        return self._told(wishes, key, names, "miss") if events is None else self._hit(entry, events, (key, names), age)

    def _told(self, wishes: CacheControl, key: bytes | None, names: Names, result: str) -> Written | Denial:
        self._metrics.add(LOOKUPS, (_TIER, result))
        written = (key, names, CacheStatus(_TIER, result))
        if wishes.only_if_cached:
            return Denial(code="not_cached", status=504, message=_NOT_CACHED, outputs=written)
        return written

    def _hit(self, entry: CachedAnswer, events: Sequence[Event], known: tuple[bytes, Names], age: float) -> Answer:
        self._metrics.add(LOOKUPS, (_TIER, "hit"))
        status = CacheStatus(_TIER, "hit", age=age)
        return answered(entry, events, status, self._settings.max_age, (*known, status))

    def _cacheable(self, facts: Reads) -> bool:
        params, prompt = facts.params, facts.prompt
        if prompt.unjudged or params.server_state or params.kept or params.n != 1:
            return False
        if not self._settings.tools and (facts.tools.names or any(leaf.channel in _TOOL_CHANNELS for leaf in prompt.leaves)):
            return False
        if facts.operation.kind is Kind.EMBEDDINGS:
            return True
        return facts.operation.kind is Kind.CHAT and (self._settings.when == "always" or params.temperature == 0)


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
