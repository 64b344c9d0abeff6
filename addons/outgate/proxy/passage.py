"""The short way between a client's socket and the HTTP layer of its connection, once nothing between them decides any more.

mitmproxy sends every piece of data through the layers of the tunnel, which only decrypt it by then. What this way cannot read (a
TLS alert, the end of TLS, an error) is left to those layers, which see the same TLS connection.
"""

from collections.abc import Sequence
from typing import Any

from mitmproxy.proxy import layer
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.tls import ClientTLSLayer
from OpenSSL import SSL

_CHUNK = 65535
_RECORD = 16 * 1024
_OVERHEAD = 256
"""More than a TLS record adds to its 16 KB (RFC 8446 section 5.2)."""


class Passage:
    """`tls` is None where the client speaks plainly; `http` the layer that takes what was said."""

    __slots__ = ("http", "tls")

    def __init__(self, tls: Any, http: HttpLayer) -> None:
        self.tls = tls
        self.http = http

    @classmethod
    def through(cls, layers: Sequence[layer.Layer], http: HttpLayer) -> "Passage | None":
        """The short way to `http`; None where TLS is inside TLS, or a tunnel is itself inside of it."""
        above = layers[: layers.index(http)]
        shields = [each for each in above if isinstance(each, ClientTLSLayer)]
        tunnels = [index for index, each in enumerate(above) if isinstance(each, HttpStream)]
        if len(shields) > 1 or (shields and tunnels and above.index(shields[0]) < tunnels[-1]):
            return None
        return cls(shields[0].tls if shields else None, http)

    def opened(self, data: bytes) -> tuple[bytes, bool]:
        """What the client said, and whether that is all: else the layers find the rest, or what is wrong, in the same TLS."""
        tls = self.tls
        if tls is None:
            return data, True
        tls.bio_write(data)
        said = []
        try:
            while True:
                said.append(tls.recv(_CHUNK))
        except SSL.WantReadError:
            return b"".join(said) if len(said) != 1 else said[0], True
        except SSL.Error:
            return b"".join(said), False

    def sealed(self, data: bytes) -> bytes:
        """The bytes that carry `data` to the client."""
        tls = self.tls
        if tls is None:
            return data
        try:
            tls.sendall(data)
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""
        wanted = len(data) + (len(data) // _RECORD + 2) * _OVERHEAD
        pieces: list[bytes] = []
        try:
            while not pieces or len(pieces[-1]) == wanted:
                pieces.append(tls.bio_read(wanted))
        except SSL.WantReadError:
            pass
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]
