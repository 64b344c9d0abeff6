"""Refuse everything whenever the gateway is not there to judge it.

mitmproxy removes a script before it loads the edited one, and forwards everything when that fails. The Sentinel is an addon of
its own on the master, so it outlives the script: no server connection is ever opened by mitmproxy, no request passes that no
exchange owns, no raw protocol is relayed, no hardened option is changed.
"""

import asyncio
import logging
from collections.abc import Callable

from outgate.proxy.http2 import wait_writable
from outgate.proxy.internals import Flow, ServerConnectionHookData, TlsData, ctx, dns, http, tcp, udp
from outgate.proxy.layers import Pull, is_owned
from outgate.server.hardening import insist

_REFUSED = "outgate: egress belongs to the plan"
_log = logging.getLogger(__name__)


class Sentinel:
    """`alive()` says whether a live plan is registered; `retiring` is the end of the plan that was there before it. Once it `holds`
    the options, they stay hardened.
    """

    def __init__(self, alive: Callable[[], bool]) -> None:
        self.alive = alive
        self.holds = False
        self.retiring: asyncio.Task[None] | None = None

    def configure(self, updated: set[str]) -> None:  # noqa: ARG002
        if self.holds:
            insist(ctx.options, _log.error)

    def http_connect(self, flow: http.HTTPFlow) -> None:
        if not self.alive():
            _refuse(flow)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.request(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        if flow.is_replay or not (self.alive() and is_owned(flow)):
            _refuse(flow)

    async def outgate_take(self, pull: Pull) -> None:
        """Exchanges that have begun are brought to their end, also where the gateway that began them has gone."""
        await wait_writable(pull)
        await pull.take()

    def server_connect(self, data: ServerConnectionHookData) -> None:
        data.server.error = _REFUSED

    def tls_start_server(self, data: TlsData) -> None:
        data.conn.error = _REFUSED

    def websocket_start(self, flow: http.HTTPFlow) -> None:
        _kill(flow)

    def tcp_start(self, flow: tcp.TCPFlow) -> None:
        _kill(flow)

    def udp_start(self, flow: udp.UDPFlow) -> None:
        _kill(flow)

    def dns_request(self, flow: dns.DNSFlow) -> None:
        _kill(flow)


def _refuse(flow: http.HTTPFlow) -> None:
    """An answer of our own; mitmproxy then asks nobody else. A retry is of use only to who has not been replayed."""
    reason = "replay_denied" if flow.is_replay else "no_policy"
    flow.request.stream = False
    flow.response = http.Response.make(503, b"", {"x-outgate-reason": reason, "retry-after": "1"})


def _kill(flow: Flow) -> None:
    if flow.killable:
        flow.kill()
