"""Client without a library's manners: bytes over a socket to the gateway, a tunnel, TLS under any name, HTTP/2 frames.

async with Raw.to(gateway) as raw:
    assert (await raw.connect("api.openai.com:443", TOKEN)).status == 200
    await raw.tls("api.openai.com")
    reply = await raw.ask(request("POST", "/v1/chat/completions", host="api.openai.com", body=b"{}"))
"""

import asyncio
import base64
import ssl
from collections.abc import Iterable
from typing import NamedTuple, Self

import h2.config
import h2.connection
import h2.events
import h2.settings

_PATIENCE = 30.0


class Reply(NamedTuple):
    """An answer; status 0 where the connection ended without one. `reason` is the gateway's reason code, `whole` tells whether the
    answer came to its proper end.
    """

    status: int
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    whole: bool = False

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name), None)

    @property
    def reason(self) -> str | None:
        return self.header("x-outgate-reason")


def request(
    method: str,
    target: str | bytes,
    *,
    host: str | bytes | None = None,
    fields: Iterable[tuple[str, str | bytes]] = (),
    body: bytes | None = None,
) -> bytes:
    """An HTTP/1.1 request, spelled exactly so; with its length where it has a body."""
    lines = [method.encode() + b" " + _bytes(target) + b" HTTP/1.1"]
    if host is not None:
        lines.append(b"host: " + _bytes(host))
    lines += [name.encode() + b": " + _bytes(value) for name, value in fields]
    if body is not None:
        lines += [b"content-type: application/json", b"content-length: " + str(len(body)).encode()]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def basic(token: str, workload: str = "app") -> tuple[str, str]:
    """The header field of a workload's token."""
    return ("proxy-authorization", "Basic " + base64.b64encode(f"{workload}:{token}".encode()).decode())


class Raw:
    """One connection to a gateway's listener."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ca: str) -> None:
        self.reader = reader
        self.writer = writer
        self._ca = ca

    @classmethod
    def to(cls, gateway) -> "_Opening":
        return _Opening(gateway.port, str(gateway.ca))

    async def connect(self, authority: str | bytes, token: str | None, *fields: tuple[str, str]) -> Reply:
        """Ask for a tunnel."""
        known = [basic(token)] if token else []
        return await self.ask(request("CONNECT", authority, host=authority, fields=[*known, *fields]), tunnel=True)

    async def tls(self, sni: str | None, alpn: Iterable[str] = ("http/1.1",)) -> str | None:
        """Speak TLS from now on; gives the protocol that was negotiated. The certificate is not looked at."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(list(alpn))
        async with asyncio.timeout(_PATIENCE):
            await self.writer.start_tls(context, server_hostname=sni)
        return self.writer.get_extra_info("ssl_object").selected_alpn_protocol()

    async def send(self, data: bytes) -> None:
        """Send; a peer that has gone is found out by reading."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass

    async def ask(self, data: bytes, *, tunnel: bool = False) -> Reply:
        await self.send(data)
        return await self.reply(tunnel=tunnel)

    async def reply(self, *, tunnel: bool = False, head_only: bool = False) -> Reply:
        """The next answer. Raises TimeoutError where none comes."""
        async with asyncio.timeout(_PATIENCE):
            try:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
                return Reply(0)
            status = int(head[0].split(" ")[1])
            fields = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line))
            if head_only or (tunnel and status == 200) or status < 200:
                return Reply(status, fields, whole=True)
            body, whole = await self._body(dict(fields))
            return Reply(status, fields, body, whole)

    async def _body(self, fields: dict[str, str]) -> tuple[bytes, bool]:
        body = b""
        try:
            if fields.get("transfer-encoding") == "chunked":
                while size := int(await self.reader.readline() or b"?", 16):
                    body += await self.reader.readexactly(size)
                    await self.reader.readexactly(2)
                await self.reader.readexactly(2)
            elif "content-length" in fields:
                body = await self.reader.readexactly(int(fields["content-length"]))
            else:
                body = await self.reader.read(-1)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, ValueError):
            return body, False
        return body, True

    async def rest(self, seconds: float = _PATIENCE) -> bytes:
        """Everything until the gateway closes. Raises TimeoutError where it does not."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read(-1)
            except (ConnectionError, ssl.SSLError):
                return b""

    def drop(self) -> None:
        """Leave without a word: a TCP reset where unread bytes are waiting."""
        self.writer.transport.abort()


class _Opening:
    def __init__(self, port: int, ca: str) -> None:
        self._port, self._ca = port, ca

    async def __aenter__(self) -> Raw:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
        self._raw = Raw(reader, writer, self._ca)
        return self._raw

    async def __aexit__(self, *_: object) -> None:
        self._raw.drop()


class Http2:
    """HTTP/2 over a Raw connection whose TLS is up: any pseudo-header, unvalidated."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        config = h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False, header_encoding="latin-1"
        )
        self.link = h2.connection.H2Connection(config)
        self._streams: dict[int, list] = {}
        self.resets: dict[int, int] = {}
        """Error codes of the streams that the gateway has reset."""
        self.over = False

    async def start(self) -> Self:
        self.link.initiate_connection()
        await self.flush()
        return self

    async def flush(self) -> None:
        await self.raw.send(self.link.data_to_send())

    async def begin(self, fields: Iterable[tuple[str | bytes, str | bytes]], body: bytes | None = b"") -> int:
        """Send a request, open-ended with `body=None`; gives the stream's id."""
        stream = self.link.get_next_available_stream_id()
        self._streams[stream] = [0, (), b"", False]
        self.link.send_headers(stream, [(_bytes(name), _bytes(value)) for name, value in fields], end_stream=body == b"")
        if body:
            self.link.send_data(stream, body, end_stream=True)
        await self.flush()
        return stream

    async def feed(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """More of a request's body, in frames as large as may be; nothing where the stream has been broken off."""
        size = self.link.max_outbound_frame_size
        for at in range(0, len(data), size):
            while stream not in self.resets and self.link.local_flow_control_window(stream) < size:
                await self.read()
            if stream in self.resets:
                return
            self.link.send_data(stream, data[at : at + size], end_stream=end and at + size >= len(data))
            await self.flush()

    async def ask(self, fields: Iterable[tuple[str | bytes, str | bytes]], body: bytes = b"") -> Reply:
        """A request and its answer; status 0 where the stream or the connection was broken off without one."""
        return await self.reply(await self.begin(fields, body))

    async def reply(self, stream: int) -> Reply:
        state = self._streams[stream]
        async with asyncio.timeout(_PATIENCE):
            while not (state[3] or self.over):
                await self.read()
        return Reply(state[0], state[1], state[2], state[3] == "whole")

    def heard(self, stream: int) -> bytes:
        """What has come of a body so far."""
        return self._streams[stream][2]

    async def read(self) -> None:
        """Take in what has come."""
        try:
            data = await self.raw.reader.read(65536)
        except (ConnectionError, ssl.SSLError):
            data = b""
        if not data:
            self.over = True
            return
        for event in self.link.receive_data(data):
            self._note(event)
        await self.flush()

    def _note(self, event: h2.events.Event) -> None:
        state = self._streams.get(getattr(event, "stream_id", 0) or 0)
        if isinstance(event, h2.events.ConnectionTerminated):
            self.over = True
        elif state is None:
            return
        elif isinstance(event, h2.events.ResponseReceived):
            fields = tuple(event.headers)
            state[0], state[1] = int(dict(fields)[":status"]), fields
        elif isinstance(event, h2.events.DataReceived):
            state[2] += event.data
            self.link.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            state[3] = "whole"
        elif isinstance(event, h2.events.StreamReset):
            state[3] = state[3] or "reset"
            self.resets[event.stream_id] = int(event.error_code)


def http2_request(
    path: str | bytes,
    authority: str | bytes | None,
    *fields: tuple[str, str | bytes],
    method: str = "POST",
    scheme: str = "https",
) -> list[tuple[str | bytes, str | bytes]]:
    """The fields of an HTTP/2 request."""
    named = [(":authority", authority)] if authority is not None else []
    return [(":method", method), (":scheme", scheme), *named, (":path", path), *fields]


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
