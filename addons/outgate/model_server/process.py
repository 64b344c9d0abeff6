"""Run the model server: `python -m outgate.model_server.process --socket PATH`.

One thread works, one loads, one event loop listens. A model is named by its entry point, `name=module:callable`, so that this room
knows no detector. The process ends when its standard input does: its parent holds the other end. It logs nothing: it sees prompts.
"""

import argparse
import asyncio
import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

from outgate.model_server.loading import Loader, maker
from outgate.model_server.scheduler import Batch, Model, Request, Scheduler, Work
from outgate.model_server.wire import Frames, ModelServerError, frame

MODELS = (
    "pii=outgate.detectors.pii.model:load",
    "embed=outgate.model_server.embed:load",
    "answers=outgate.answers.service:load",
    "injection=outgate.guards.injection:load",
    "ner=outgate.guards.ner:load",
    "secrets=outgate.guards.secrets:load",
    "topics=outgate.routing.model:load",
)


class BatchRunner:
    """The scheduler at work: one batch at a time in one thread, results handed out on the loop; models are loaded in another."""

    def __init__(self, makers: Mapping[str, Callable[[], Model]], loop: asyncio.AbstractEventLoop) -> None:
        self.scheduler = Scheduler({})
        self.loader = Loader(makers, self.scheduler, self._load, time.monotonic)
        self._loop = loop
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="models")
        self._loading = ThreadPoolExecutor(1, thread_name_prefix="loading")
        self._busy = False
        self.batch = 0
        """Pieces in the batch that was run last."""

    def pump(self) -> None:
        """Start the next batch, if the thread is free and there is one."""
        batch = None if self._busy else self.scheduler.next()
        if batch is None:
            return
        self._busy, self.batch = True, len(batch.pieces)
        future = self._thread.submit(self.scheduler.work, batch)
        future.add_done_callback(lambda done: self._hand_over(batch, done))

    def when_free(self, call: Callable[[], None]) -> None:
        """Call on the loop once the thread has done what it has in hand."""
        self._thread.submit(self._loop.call_soon_threadsafe, call)

    def _load(self, work: Work) -> None:
        future = self._loading.submit(self.loader.load, work)
        future.add_done_callback(lambda done: self._loop.call_soon_threadsafe(self._loaded, work, done))

    def _loaded(self, work: Work, future: "Future[str]") -> None:
        self.loader.loaded(work, future.result())
        self.pump()

    def _hand_over(self, batch: Batch, future: "Future[list[Any]]") -> None:
        self._loop.call_soon_threadsafe(self._finished, batch, future)

    def _finished(self, batch: Batch, future: "Future[list[Any]]") -> None:
        self._busy = False
        try:
            self.scheduler.did(batch, future.result())
        finally:
            self.pump()


class Connection(asyncio.Protocol):
    """One connection of a worker, or of who asks whether the process is alive."""

    def __init__(self, runner: BatchRunner) -> None:
        self._runner = runner
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._transport = None
        self._runner.loader.forget(self)

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._frames.feed(data):
                self._take(message)
        except (ModelServerError, KeyError, TypeError, ValueError):
            if self._transport is not None:
                self._transport.abort()
        self._runner.pump()

    def _take(self, message: dict[str, Any]) -> None:
        if "alive" in message:
            self._runner.when_free(partial(self._send, message))
        elif "cancel" in message:
            self._runner.loader.forget(self, int(message["cancel"]))
        else:
            self._runner.loader.add(self._request(message))

    def _request(self, message: dict[str, Any]) -> Request:
        number, items = int(message["id"]), message["items"]
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise TypeError("items")
        options = tuple(map(str, message["options"]))
        reply = partial(self._reply, number)
        return Request(str(message["model"]), options, items, reply, str(message["share"]), owner=self, number=number)

    def _reply(self, number: int, results: Sequence[Any] | None, error: str) -> None:
        if results is None:
            self._send({"id": number, "error": error})
            return
        try:
            load = {"batch": self._runner.batch, "queue": self._runner.scheduler.waiting}
            self._send({"id": number, "results": results, **load})
        except ModelServerError as unsent:
            self._send({"id": number, "error": unsent.code})

    def _send(self, message: dict[str, Any]) -> None:
        if self._transport is not None:
            self._transport.write(frame(message))


def listening(path: Path) -> socket.socket:
    """A listening Unix socket that only this user may open; a stale one is replaced."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    listener.listen(128)
    return listener


async def serve(path: Path, makers: Mapping[str, Callable[[], Model]], ended: asyncio.Event) -> None:
    """Answer requests until `ended`. `makers` make the models."""
    loop = asyncio.get_running_loop()
    runner = BatchRunner(makers, loop)
    server = await loop.create_unix_server(lambda: Connection(runner), sock=listening(path))
    async with server:
        await ended.wait()


async def _run(path: Path, makers: Mapping[str, Callable[[], Model]]) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _until_closed, ended)
    await serve(path, makers, ended)


def _until_closed(ended: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        ended.set()


def main(argv: Sequence[str] | None = None) -> None:
    """Listen; what models keep is in the folder of the socket."""
    parser = argparse.ArgumentParser(prog="outgate.model_server.process", description="Owns the models; asked over a Unix socket.")
    parser.add_argument("--socket", type=Path, required=True)
    parser.add_argument("--model", action="append", metavar="NAME=MODULE:CALLABLE", help="may be repeated")
    arguments = parser.parse_args(argv)
    asyncio.run(_run(arguments.socket, dict(maker(entry, arguments.socket.parent) for entry in arguments.model or MODELS)))
    os._exit(0)  # a batch still in the thread has nobody to answer to


if __name__ == "__main__":
    main()
