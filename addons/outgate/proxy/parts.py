"""The events and hooks by which parts of an exchange travel through mitmproxy's layers."""

from dataclasses import dataclass

from mitmproxy.proxy.layers.http._events import HttpEvent, RequestHeaders

from outgate.exchange.channel import Part


@dataclass
class ResponseParts(HttpEvent):
    """Parts of an answer for an HTTP/1 client, which leave in one write."""

    parts: list[Part]


@dataclass
class WholeRequest(RequestHeaders):
    """A request whose body came with its head."""

    body: bytes = b""
