"""A host behind TLS that takes uploads piece by piece, and says what it saw of them.

    with UploadHost(ca, "objects.test") as host:
        ... host.port, host.came: (method, target, fields, bytes, SHA-256) of each upload, host.read: bytes so far ...

`breaks_at` ends the connection after so many bytes, `refuses` answers 413 without reading, `gate` is waited for before each piece.
"""

import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import trustme

_PIECE = 65_536


def body_of(request: BaseHTTPRequestHandler) -> Iterator[bytes]:
    """The body of a request, piece by piece, chunked or with its length."""
    if (request.headers.get("transfer-encoding") or "").lower() != "chunked":
        yield from _exactly(request, int(request.headers.get("content-length") or 0))
        return
    while size := int(request.rfile.readline(), 16):
        yield from _exactly(request, size)
        request.rfile.readline()
    request.rfile.readline()


def _exactly(request: BaseHTTPRequestHandler, left: int) -> Iterator[bytes]:
    while left:
        piece = request.rfile.read(min(left, _PIECE))
        if not piece:
            raise ConnectionError("the upload ended early")
        left -= len(piece)
        yield piece


class UploadHost:
    """See the module."""

    def __init__(self, ca: trustme.CA, name: str) -> None:
        self.came: list[tuple[str, str, dict[str, str], int, str]] = []
        self.asked = self.read = 0
        self.cut: list[int] = []
        self.breaks_at: int | None = None
        self.refuses = False
        self.gate = threading.Event()
        self.gate.set()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name).configure_cert(context)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def forget(self) -> None:
        """Nothing has been asked, and everything is taken."""
        self.came.clear()
        self.cut.clear()
        self.asked = self.read = 0
        self.breaks_at, self.refuses = None, False
        self.gate.set()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                host.asked += 1
                if host.refuses:
                    self._answer(413, b"too large for us")
                    self.close_connection = True
                    return
                digest, size = hashlib.sha256(), 0
                try:
                    for piece in body_of(self):
                        host.gate.wait(20)
                        digest.update(piece)
                        size += len(piece)
                        host.read += len(piece)
                        if host.breaks_at is not None and size >= host.breaks_at:
                            self.close_connection = True
                            return
                except (OSError, ValueError):
                    host.cut.append(size)
                    self.close_connection = True
                    return
                fields = {name.lower(): value for name, value in self.headers.items()}
                host.came.append((self.command, self.path, fields, size, digest.hexdigest()))
                self._answer(201, f"took {size} with {fields.get('authorization')}".encode())

            do_GET = do_HEAD = do_POST = do_DELETE = do_PUT  # noqa: N815

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        return Handler
