"""Refuse everything whenever the gateway is not there to judge it.

mitmproxy removes a script before it loads the edited one, and forwards everything when that fails. The Sentinel is an addon of
its own on the master, so it outlives the script: no server connection is ever opened by mitmproxy, no request passes that no
exchange owns, no raw protocol is relayed.
"""

from collections.abc import Callable

from mitmproxy import dns, http, tcp, udp
from mitmproxy.flow import Flow
from mitmproxy.proxy import server_hooks
from mitmproxy.tls import TlsData

from outgate.proxy.ownership import is_owned

_REFUSED = "outgate: egress belongs to the plan"


class Sentinel:
    """`alive()` says whether a live plan is registered."""

    def __init__(self, alive: Callable[[], bool]) -> None:
        self.alive = alive

    def http_connect(self, flow: http.HTTPFlow) -> None:
        if not self.alive():
            flow.response = http.Response.make(503, b"", {"x-outgate-reason": "no_policy", "retry-after": "1"})

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        self.request(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        if not (self.alive() and is_owned(flow)):
            flow.request.stream = False
            flow.response = http.Response.make(503, b"", {"x-outgate-reason": "no_policy", "retry-after": "1"})

    def server_connect(self, data: server_hooks.ServerConnectionHookData) -> None:
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


def _kill(flow: Flow) -> None:
    if flow.killable:
        flow.kill()
