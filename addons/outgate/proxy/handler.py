"""One client connection of a worker: mitmproxy's handler with a short way from an exchange to the client's socket, and back.

What an exchange hands over is sent in its own task's turn: no hook task, no wake-up between. A layer that crashes closes the
connection; mitmproxy would leave it open and silent. Nothing here can open a connection to a server.
"""

import logging
from asyncio import StreamWriter, timeout
from contextlib import suppress
from typing import Any, cast

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, mode_servers
from mitmproxy.utils import asyncio_utils

from outgate.exchange.channel import Abort, End
from outgate.proxy.fast_addons import FastAddonManager
from outgate.proxy.fast_path import Passage
from outgate.proxy.http2 import HIGH_WATER
from outgate.proxy.serving import PartsReady, Serve, Serving


class GatewayConnectionHandler(mode_servers.ProxyConnectionHandler):
    """Obeys the commands of the layers. Events are processed one at a time, each to its end, without awaiting."""

    _passage: Passage | None = None
    _writer: StreamWriter | None = None

    async def server_event(self, event: events.Event) -> None:
        async with self._server_event_lock:  # taken re-entrantly only by tasks that start eagerly inside a layer
            self._process(event)

    async def handle_client(self) -> None:
        """Ends with a closed socket, also where cancelling it twice cut mitmproxy's own farewell short; and not before the client
        has read what was said last, which still takes its room.
        """
        self._writer = writer = cast("StreamWriter", self.transports[self.client].writer)
        try:
            await super().handle_client()
        finally:
            try:
                async with timeout(self.timeout_watchdog.timeout):
                    await self.farewell()
            except TimeoutError:
                writer.transport.abort()

    async def farewell(self) -> None:
        """Close the socket; returns when the client has been sent all that was said, or is gone."""
        writer = self._writer
        if writer is not None:
            writer.close()
            if writer.transport.get_write_buffer_size():
                with suppress(OSError):
                    await writer.wait_closed()

    async def drain_writers(self) -> None:
        """Wait only where something waits to be written."""
        if self._unwritten():
            await super().drain_writers()  # type: ignore[no-untyped-call]

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:
        super().log(message, level, exc_info)
        if level >= logging.ERROR:
            io = self.transports.get(self.client)
            if io is not None and io.handler is not None:
                io.handler.cancel("crashed")

    def _process(self, event: events.Event) -> None:
        self.timeout_watchdog.register_activity()
        pending = [event]
        try:
            for each in pending:  # grows while it is walked: what completes at once is the next event
                passage = self._passage
                if passage is not None and each.__class__ is events.DataReceived:
                    self._hear(passage, each.data, pending)
                elif each.__class__ is PartsReady:
                    self._answer(each.serving, pending)
                else:
                    for command in self.layer.handle_event(each):
                        self._obey(command, pending)
        except Exception:
            self.log("a layer has crashed", logging.ERROR, exc_info=True)

    def _hear(self, passage: Passage, data: bytes, pending: list[events.Event]) -> None:
        said, whole = passage.opened(data)
        if said:
            for command in passage.http.handle_event(events.DataReceived(self.client, said)):
                self._say(passage, command, pending)
        replies = passage.replies()
        if replies:
            self._obey(commands.SendData(self.client, replies), pending)
        if not whole:
            for command in self.layer.handle_event(events.DataReceived(self.client, b"")):
                self._obey(command, pending)

    def _say(self, passage: Passage, command: commands.Command, pending: list[events.Event]) -> None:
        """Obey a command of the HTTP layer, whose data the layers around it have not sealed."""
        if command.__class__ is commands.SendData:
            command.data = passage.sealed(command.data)
        self._obey(command, pending)

    def _obey(self, command: commands.Command, pending: list[events.Event]) -> None:
        if isinstance(command, commands.SendData):
            io = self.transports.get(command.connection)
            if io is not None and io.writer is not None and not io.writer.is_closing():
                io.writer.write(command.data)
        elif isinstance(command, Serve):
            self._serve(command.serving, pending)
        elif isinstance(command, commands.StartHook):
            self._start(command, pending)
        elif isinstance(command, commands.OpenConnection):
            pending.append(events.OpenConnectionCompleted(command, "outgate: egress belongs to the plan"))
        elif isinstance(command, commands.RequestWakeup):
            self.wakeup_timer.add(self._spawn(self.wakeup(command), "wakeup timer", keep=False))
        elif isinstance(command, commands.Log):
            self.log(command.message, command.level)
        else:
            self._close(command)

    def _start(self, hook: commands.StartHook, pending: list[events.Event]) -> None:
        """Most hooks have nothing to wait for: they are complete before the next event, without a task and a wake-up."""
        addons = cast("FastAddonManager", self.master.addons)
        if not addons.trigger_at_once(hook):
            self._spawn(self.hook_task(hook), f"hook {hook.name}", keep=True)
        elif hook.blocking:
            pending.append(events.HookCompleted(hook))

    def _close(self, command: commands.Command) -> None:
        if not isinstance(command, commands.ConnectionCommand):
            raise TypeError(f"unexpected command: {type(command).__name__}")
        if command.connection in self.transports and command.connection.state is not ConnectionState.CLOSED:
            half = isinstance(command, commands.CloseTcpConnection) and command.half_close
            self.close_connection(command.connection, half)

    def _spawn(self, work: Any, name: str, *, keep: bool) -> Any:
        return asyncio_utils.create_task(work, name=name, keep_ref=keep, client=self.client.peername)

    # -- parts of an exchange -------------------------------------------------------------------------------------------

    def _serve(self, serving: Serving, pending: list[events.Event]) -> None:
        """An exchange has begun: what it hands over is sent as soon as it is there and the client reads."""
        self._passage = serving.passage
        watchdog = self.timeout_watchdog
        watchdog.blocker += 1
        watchdog.can_timeout.clear()
        if serving.channel.ready:
            pending.append(PartsReady(serving))
        else:
            self._listen(serving)

    def _listen(self, serving: Serving) -> None:
        serving.channel.listen(lambda: self._parts_ready(serving))

    def _parts_ready(self, serving: Serving) -> None:
        if self._server_event_lock.locked() or not self._has_room(serving):
            self._spawn(self._answer_later(serving), "hand-over", keep=True)
        else:
            self._process(PartsReady(serving))

    async def _answer_later(self, serving: Serving) -> None:
        """The client reads slower than the provider writes: wait for it."""
        if serving.http2 is not None:
            await serving.http2.drained(serving.stream_id)
        io = self.transports.get(self.client)
        if io is not None and io.writer is not None:
            with suppress(OSError):
                await io.writer.drain()
        await self.server_event(PartsReady(serving))

    def _answer(self, serving: Serving, pending: list[events.Event]) -> None:
        """Send what there is; after the last of it, the connection may be idle again."""
        parts = serving.channel.take_nowait() or []
        for command in serving.sent(parts):
            self._say(serving.passage, command, pending)
        if parts and isinstance(parts[-1], End | Abort):
            watchdog = self.timeout_watchdog
            watchdog.blocker -= 1
            if watchdog.blocker == 0:
                watchdog.can_timeout.set()
        else:
            self._listen(serving)

    def _has_room(self, serving: Serving) -> bool:
        if serving.http2 is not None and serving.http2.backlog(serving.stream_id) > HIGH_WATER:
            return False
        return self._unwritten() <= HIGH_WATER

    def _unwritten(self) -> int:
        """Bytes that wait for the client to read."""
        io = self.transports.get(self.client)
        return io.writer.transport.get_write_buffer_size() if io is not None and isinstance(io.writer, StreamWriter) else 0
