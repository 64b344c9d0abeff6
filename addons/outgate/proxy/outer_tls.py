"""Which TLS is that of the connection to the gateway itself, and what is spoken in it: HTTP/1.1 with everybody who can.

A client that has a proxy behind TLS sends CONNECT there, which mitmproxy does not speak over HTTP/2 (it means to agree on HTTP/1.1
there, and misses it). Who offers HTTP/2 alone can only mean a base URL, and is served so.
"""

from mitmproxy import ctx
from mitmproxy.proxy.layers import ClientTLSLayer, modes
from mitmproxy.tls import TlsData

_HTTP1 = b"http/1.1"


def is_outer(tls_start: TlsData) -> bool:
    """The first layer of an explicit proxy's connection is TLS, and no other is: that of a tunnel comes after an HTTP layer."""
    stack = tls_start.context.layers
    tls = [each for each in stack if isinstance(each, ClientTLSLayer)]
    return isinstance(stack[0], modes.HttpProxy) and tls == stack[1:2]


def agree_on_http1(tls_start: TlsData) -> None:
    """Where that is an outer handshake that no other addon has taken over, and its client offers HTTP/1.1."""
    if not is_outer(tls_start) or _HTTP1 not in tls_start.context.client.alpn_offers:
        return
    if tls_start.ssl_conn is None:  # else mitmproxy's own addon came first
        ctx.master.addons.get("tlsconfig").tls_start_client(tls_start)
    assert tls_start.ssl_conn is not None
    tls_start.ssl_conn.get_app_data()["client_alpn"] = _HTTP1
