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

_SILENT = 1024
"""Bytes of a client that brought nothing, and that TLS may have answered: a record's own cost is 22, a KeyUpdate is 27."""


class Passage:
    """`tls` is None where the client speaks plainly; `http` the layer that takes what was said."""

    __slots__ = ("_silent", "http", "tls")

    def __init__(self, tls: Any, http: HttpLayer) -> None:
        self.tls = tls
        self.http = http
        self._silent = 0

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
        whole = True
        try:
            while True:
                said.append(tls.recv(_CHUNK))
        except SSL.WantReadError:
            pass
        except SSL.Error:
            whole = False
        plain = b"".join(said) if len(said) != 1 else said[0]
        self._silent += len(data) - len(plain)
        return plain, whole

    def replies(self) -> bytes:
        """What TLS itself answers to a client that has said much and meant little: every KeyUpdate may ask for another (RFC 8446
        section 4.6.3). A few leave with the next of `sealed`; more would wait there without bound.
        """
        if self._silent < _SILENT:
            return b""
        self._silent = 0
        return self._sealed(_CHUNK)

    def sealed(self, data: bytes) -> bytes:
        """The bytes that carry `data` to the client."""
        tls = self.tls
        if tls is None:
            return data
        try:
            tls.sendall(data)
        except (SSL.ZeroReturnError, SSL.SysCallError):
            return b""
        return self._sealed(len(data) + (len(data) // _RECORD + 2) * _OVERHEAD)

    def _sealed(self, wanted: int) -> bytes:
        """All that waits for the client, read in pieces of so many bytes."""
        tls = self.tls
        pieces: list[bytes] = []
        try:
            while not pieces or len(pieces[-1]) == wanted:
                pieces.append(tls.bio_read(wanted))
        except SSL.WantReadError:
            pass
        return b"".join(pieces) if len(pieces) != 1 else pieces[0]
