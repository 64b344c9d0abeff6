"""Three parsers that are not ours, standing behind the gateway as providers: h11, nginx and haproxy, and what each of them read.

nginx and haproxy hand on what they read to the same h11 recorder, and write a line of their own for every request, also for one
they refuse. So a request that only one of them sees is noticed.
"""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import threading
from pathlib import Path
from typing import NamedTuple, Self

import h11
import orjson
import trustme

from support.openai_answers import chat_completion
from support.sse import compact
from support.waiting import until

NAMES = {"h11": "h11.provider.test", "nginx": "nginx.provider.test", "haproxy": "haproxy.provider.test"}

NGINX = """\
daemon off;
{user}
worker_processes 1;
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    log_format one escape=json '$status $request';
    access_log {folder}/access.log one;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 64m;
    keepalive_requests 1000000;
    ignore_invalid_headers off;
    underscores_in_headers on;
    merge_slashes off;
    upstream recorder {{ server 127.0.0.1:{recorder}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {certificate};
        location / {{
            proxy_pass http://recorder;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Connection "";
        }}
    }}
}}
"""
HAPROXY = """\
global
    log stdout format raw local0
    maxconn 2048
defaults
    mode http
    log global
    option dontlognull
    option http-keep-alive
    timeout client 60s
    timeout server 60s
    timeout connect 5s
    log-format "%ST %{{+Q}}r"
frontend provider
    bind 127.0.0.1:{port} ssl crt {certificate}
    default_backend recorder
backend recorder
    server one 127.0.0.1:{recorder}
"""


class Read(NamedTuple):
    """One request as h11 read it. `broken` tells what h11 could not read, and is empty where all went well."""

    backend: str
    method: str
    target: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    broken: str = ""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name]

    @property
    def model(self) -> str:
        """What the request asks for: the marker of its vector."""
        try:
            return orjson.loads(self.body)["model"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return "(unreadable)"


class Backends:
    """`with Backends(folder) as backends`: `ports` by name, `ca` in PEM, and `read`, every request in the order of its arrival."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: list[Read] = []
        self.ports: dict[str, int] = {}
        self._authority = trustme.CA()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._recorders: dict[str, int] = {}
        self._processes: list[subprocess.Popen] = []

    @property
    def ca(self) -> bytes:
        return self._authority.cert_pem.bytes()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        self.ports = {"h11": self._recorders["h11"], "nginx": free_port(), "haproxy": free_port()}
        self._start("nginx", NGINX, "-p", str(self.folder / "nginx"), "-c")
        self._start("haproxy", HAPROXY, "-db", "-f")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def lines(self, name: str) -> list[str]:
        """What nginx or haproxy wrote of each request, `status request-line`."""
        log = self.folder / name / {"nginx": "access.log", "haproxy": "output.log"}[name]
        return [line for line in log.read_text(errors="replace").splitlines() if line[:3].isdigit() and line[3:4] == " "]

    def _start(self, name: str, template: str, *arguments: str) -> None:
        folder = self.folder / name
        folder.mkdir(parents=True)
        certificate = folder / "server.pem"
        certificate.write_bytes(self._authority.issue_cert(NAMES[name]).private_key_and_cert_chain_pem.bytes())
        text = template.format(
            folder=folder,
            port=self.ports[name],
            recorder=self._recorders[name],
            certificate=certificate,
            user="user root;" if os.geteuid() == 0 else "",
        )
        (folder / "configuration").write_text(text)
        command = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        assert command, f"{name} is not installed"
        output = (folder / "output.log").open("wb")
        process = subprocess.Popen([command, *arguments, str(folder / "configuration")], stdout=output, stderr=output)
        self._processes.append(process)
        assert until(lambda: listening(self.ports[name])), (folder / "output.log").read_text()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()

    async def _listen(self) -> None:
        for name, host in NAMES.items():
            context = None
            if name == "h11":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name) -> None:
                try:
                    await self._serve(name, reader, writer)
                except (ConnectionError, ssl.SSLError):
                    pass
                finally:
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context, backlog=512)
            self._recorders[name] = server.sockets[0].getsockname()[1]

    async def _serve(self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        request, body = None, b""
        while True:
            try:
                event = link.next_event()
            except h11.RemoteProtocolError as error:
                self.read.append(Read(name, "", "", (), body, str(error)))
                return
            if event is h11.NEED_DATA:
                link.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                request, body = event, b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                assert request is not None
                read = read_of(name, request, body)
                self.read.append(read)
                writer.write(answer_to(link, read))
                await writer.drain()
                if link.our_state is h11.MUST_CLOSE:
                    return
                link.start_next_cycle()
            else:
                return


def read_of(name: str, request: h11.Request, body: bytes) -> Read:
    fields = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.headers)
    return Read(name, request.method.decode("latin-1"), request.target.decode("latin-1"), fields, body)


def answer_to(link: h11.Connection, read: Read) -> bytes:
    """A completion that says which request it answers."""
    body = compact(chat_completion(f"you are {read.model}", read.model, (3, 2)))
    fields = [("content-type", "application/json"), ("content-length", str(len(body)))]
    parts = [h11.Response(status_code=200, headers=fields), h11.Data(data=body), h11.EndOfMessage()]
    return b"".join(link.send(part) or b"" for part in parts)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listening(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
