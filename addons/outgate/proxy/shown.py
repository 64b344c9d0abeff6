"""Keep on each flow of mitmweb what its exchange did, and replay a flow under the policy.

A replay is a new flow, asked by the workload that asked first and judged anew; a flow that was edited is sent as it was edited.
mitmproxy's own replay opens connections by itself, which nothing here may: the Sentinel refuses it. Who asked is kept in memory
alone, for its credential: a flow that was loaded from a file has nobody to ask for it.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import command, ctx, flow, http
from mitmproxy.addons.view import View
from mitmproxy.hooks import UpdateHook

from outgate.exchange.channel import Abort, End, ResponseHead
from outgate.exchange.exchange import Exchange
from outgate.net.connection import Connection
from outgate.pipeline.executor import Execution
from outgate.proxy.exchange_view import record, record_refused, sent_of
from outgate.proxy.gateway import Gateway
from outgate.proxy.observed import add_part

_log = logging.getLogger(__name__)


class Shown:
    """What a person looks at: it keeps what each exchange did on its flow, and asks again. `gateway` is set once it is there."""

    gateway: Gateway

    def __init__(self) -> None:
        self._sent: dict[str, dict[str, Any]] = {}
        self._asked: WeakKeyDictionary[http.HTTPFlow, Connection] = WeakKeyDictionary()
        self._tasks: set[asyncio.Task[None]] = set()

    def watch(self, exchange_id: str, execution: Execution) -> None:
        """Keep what is sent, before the exchange lets it go."""
        self._sent[exchange_id] = sent_of(execution)

    def finished(self, shown: http.HTTPFlow, exchange: Exchange) -> None:
        record(shown, exchange, self._sent.pop(exchange.id, {}) or sent_of(exchange.execution))
        self._asked[shown] = exchange.head.connection
        _update(shown)

    def http_connect_error(self, shown: http.HTTPFlow) -> None:
        """A tunnel that was refused is what one opens a debugger for; mitmproxy's list leaves all of them out."""
        record_refused(shown)
        if shown.response is not None:
            shown.response.timestamp_start = shown.response.timestamp_end = self.gateway.deps.wall()
        _list(shown)
        _update(shown)

    @command.command("replay.client")
    def again(self, flows: Sequence[flow.Flow]) -> None:
        """Ask again what these flows asked, each as a new flow."""
        for old in flows:
            conn = self._asked.get(old) if isinstance(old, http.HTTPFlow) else None
            if not isinstance(old, http.HTTPFlow) or conn is None:
                _log.warning("outgate replays requests of this session only: a saved flow does not say who asks")
                continue
            fresh = _fresh(old, self.gateway.deps.wall())
            _list(fresh)
            task = asyncio.get_running_loop().create_task(_follow(fresh, self.gateway.again(fresh, conn), self.gateway))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


def _fresh(old: http.HTTPFlow, now: float) -> http.HTTPFlow:
    fresh: http.HTTPFlow = old.copy()
    fresh.response = fresh.error = None
    fresh.is_replay = "request"
    fresh.comment = fresh.marked = ""
    fresh.metadata.pop("outgate", None)
    fresh.timestamp_created = fresh.request.timestamp_start = fresh.request.timestamp_end = now
    return fresh


async def _follow(fresh: http.HTTPFlow, exchange: Exchange, gateway: Gateway) -> None:
    """Take the whole answer, as a client would."""
    while True:
        parts = await exchange.channel.take()
        for part in parts:
            add_part(fresh, part, gateway.deps.wall())
        if any(isinstance(part, ResponseHead) for part in parts):
            _update(fresh)
        if parts and isinstance(parts[-1], End | Abort):
            return


def _list(shown: http.HTTPFlow) -> None:
    view: View | None = ctx.master.addons.get("view")
    if view is not None:
        view.add([shown])


def _update(shown: http.HTTPFlow) -> None:
    ctx.master.addons.trigger(UpdateHook([shown]))
