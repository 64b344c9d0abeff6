"""Wait for the answer to the very same request, where another exchange of this worker is getting it: one call, however many ask.

Each caller is judged first, like any other, and what it gets is a hit: the stored answer, with its own placeholders, past its own
response plan. Where the call broke, one of them makes it once more, so that a provider in trouble is not asked by all at the same
moment; where what came cannot be stored (a refusal, a tool call), or not soon, each goes on alone.

The last of the cache's stages before the provider: here ends what asked for a cached answer only, whatever became of the look-ups.
"""

from asyncio import get_running_loop
from typing import NamedTuple

from outgate.answers.settings import CacheSettings
from outgate.detectors.pii.canonical import NONE, Names
from outgate.errors import Denial
from outgate.inference.cached import CacheStatus
from outgate.inference.operation import Operation
from outgate.inference.params import Params
from outgate.metering.metrics import Metrics
from outgate.net.cache_control import NO_WISHES, CacheControl
from outgate.pipeline.contract import Contract, Effect, May, OnError
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Stage
from outgate.stages.cache import LOOKUPS, answered, replayed
from outgate.stores.flights import Flights, Landed

_TIER = "collapsed"
_SLACK = 5.0
_CALLS = 2
"""Calls that are waited for: a provider that breaks twice is as well asked by each."""
_MESSAGE = "The request asks for an answer from the cache only, and there is none."
_NOT_CACHED = Denial(code="not_cached", status=504, message=_MESSAGE, outputs=(None,))
"""The refusal of a request for what is cached only (RFC 9111 section 5.2.1.7)."""


class Reads(NamedTuple):
    """The key of the request, and what its caller wants of the cache."""

    cache_key: bytes | None
    cache_names: Names | None
    cache_control: CacheControl | None
    exchange_id: str
    operation: Operation
    params: Params


type Written = tuple[CacheStatus | None]


class CacheJoin(Stage):
    """Writes `cache.joined`: what came of waiting, None for what did not wait."""

    name = "cache_join"
    settings_type = CacheSettings

    def __init__(self, settings: CacheSettings, flights: Flights, metrics: Metrics) -> None:
        self._settings, self._flights, self._metrics = settings, flights, metrics
        self.contract = Contract.of(
            Reads,
            writes=("cache.joined",),
            may=May.RESPOND | May.DENY,
            effect=Effect.IDEMPOTENT,
            on_error=OnError.OPEN,
            limit=settings.single_flight_wait + _SLACK,
            optional=("cache.key", "cache.names", "cache.control"),
            after=("cache_similar",),
            cost=0.02,
            passes=0.98,
        )

    async def run(self, facts: Reads) -> Written | Answer | Denial:
        key, settings, wishes = facts.cache_key, self._settings, facts.cache_control or NO_WISHES
        if wishes.only_if_cached:
            return _NOT_CACHED
        joins = settings.single_flight and wishes.accepts(0.0, settings.max_age)
        if key is None or not joins:
            return (None,)
        until, landed = get_running_loop().time() + settings.single_flight_wait, Landed(broke=True)
        for _ in range(_CALLS):
            if self._flights.lead(key, facts.exchange_id):
                return (None,)
            landed = await self._flights.follow(key, until)
            if not landed.broke:
                break
        entry = landed.stored
        events = replayed(facts.operation, facts.params, entry, facts.cache_names or NONE) if entry is not None else None
        status = CacheStatus(_TIER, "miss" if entry is None or events is None else "hit")
        self._metrics.add(LOOKUPS, (_TIER, status.result))
        if entry is None or events is None:
            return (status,)
        status = status._replace(age=0.0, entry=entry.request)
        return answered(entry, events, status, settings.max_age, (status,))
