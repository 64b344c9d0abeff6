"""Import every private name of mitmproxy and h11 that Outgate uses; no other file imports one.

The modules with an underscore below are the price of a new release: `tests/proxy/test_internals.py` names what of them, and of the
private attributes that our subclasses touch, has changed, and which of our files relies on that. The public names are those that
`server/` needs: `proxy/` is the only room that imports mitmproxy.
"""

from h11._readers import ChunkedReader
from h11._readers import _decode_header_lines as decode_header_lines
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import ctx, dns, exceptions, http, tcp, udp
from mitmproxy.addonmanager import Loader
from mitmproxy.flow import Flow
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http._base import HttpConnection, HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server, make_body_reader
from mitmproxy.proxy.layers.http._http2 import Http2Server
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import TlsData

__all__ = [
    "ChunkedReader",
    "ErrorCode",
    "Flow",
    "Http1Server",
    "Http2Server",
    "HttpConnection",
    "HttpEvent",
    "Loader",
    "Options",
    "ProxyMode",
    "ReceiveBuffer",
    "ReceiveHttp",
    "RequestHeaders",
    "RequestProtocolError",
    "ResponseData",
    "ResponseEndOfMessage",
    "ResponseHeaders",
    "ResponseProtocolError",
    "ServerConnectionHookData",
    "TlsData",
    "ctx",
    "decode_header_lines",
    "dns",
    "exceptions",
    "http",
    "make_body_reader",
    "tcp",
    "udp",
]
