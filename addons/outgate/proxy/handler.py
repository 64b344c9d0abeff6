"""One client connection of a worker: mitmproxy's handler with a short way from an exchange to the client's socket.

What an exchange hands over is sent in its own task's turn: no hook task, no wake-up between. A layer that crashes closes the
connection; mitmproxy would leave it open and silent. Nothing here can open a connection to a server.
"""

import logging
from asyncio import StreamWriter
from contextlib import suppress
from typing import Any

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, mode_servers
from mitmproxy.utils import asyncio_utils

from outgate.proxy.backpressure import HIGH_WATER
from outgate.proxy.layers import Pull, TakeHook


class GatewayConnectionHandler(mode_servers.ProxyConnectionHandler):
    """Obeys the commands of the layers. Events are processed one at a time, each to its end, without awaiting."""

    async def server_event(self, event: events.Event) -> None:
        async with self._server_event_lock:  # taken re-entrantly only by tasks that start eagerly inside a layer
            self._process(event)

    async def handle_client(self) -> None:
        """Ends with a closed socket, also where cancelling it twice cut mitmproxy's own farewell short."""
        io = self.transports[self.client]
        try:
            await super().handle_client()
        finally:
            if io.writer is not None:
                io.writer.close()

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
                for command in self.layer.handle_event(each):
                    self._obey(command, pending)
        except Exception:
            self.log("a layer has crashed", logging.ERROR, exc_info=True)

    def _obey(self, command: commands.Command, pending: list[events.Event]) -> None:
        if isinstance(command, commands.SendData):
            io = self.transports.get(command.connection)
            if io is not None and io.writer is not None and not io.writer.is_closing():
                io.writer.write(command.data)
        elif isinstance(command, TakeHook):
            self._await_parts(command, pending)
        elif isinstance(command, commands.StartHook):
            self._spawn(self.hook_task(command), f"hook {command.name}", keep=True)
        elif isinstance(command, commands.OpenConnection):
            pending.append(events.OpenConnectionCompleted(command, "outgate: egress belongs to the plan"))
        elif isinstance(command, commands.RequestWakeup):
            self.wakeup_timer.add(self._spawn(self.wakeup(command), "wakeup timer", keep=False))
        elif isinstance(command, commands.Log):
            self.log(command.message, command.level)
        else:
            self._close(command)

    def _close(self, command: commands.Command) -> None:
        if not isinstance(command, commands.ConnectionCommand):
            raise TypeError(f"unexpected command: {type(command).__name__}")
        if command.connection in self.transports and command.connection.state is not ConnectionState.CLOSED:
            half = isinstance(command, commands.CloseTcpConnection) and command.half_close
            self.close_connection(command.connection, half)

    def _spawn(self, work: Any, name: str, *, keep: bool) -> Any:
        return asyncio_utils.create_task(work, name=name, keep_ref=keep, client=self.client.peername)

    # -- parts of an exchange -------------------------------------------------------------------------------------------

    def _await_parts(self, hook: TakeHook, pending: list[events.Event]) -> None:
        """Complete the hook now, if there are parts; else as soon as the exchange has some and the client reads."""
        pull = hook.data
        if self._has_room(pull):
            parts = pull.exchange.handover.take_nowait()
            if parts is not None:
                pull.parts = parts
                pending.append(events.HookCompleted(hook))
                return
        watchdog = self.timeout_watchdog
        watchdog.blocker += 1
        watchdog.can_timeout.clear()
        pull.exchange.handover.listen(lambda: self._parts_ready(hook))

    def _parts_ready(self, hook: TakeHook) -> None:
        if self._server_event_lock.locked() or not self._has_room(hook.data):
            self._spawn(self._complete_later(hook), "hand-over", keep=True)
        elif not self._wrote_pieces(hook):
            self._complete(hook)

    def _wrote_pieces(self, hook: TakeHook) -> bool:
        """Pieces of an HTTP/1 body change the state of no layer: they are framed and encrypted, and the hook goes on waiting."""
        pull = hook.data
        handover = pull.exchange.handover
        io = self.transports.get(self.client)
        if pull.http1 is None or not handover.pieces_only or io is None or io.writer is None or io.writer.is_closing():
            return False
        data = pull.http1.framed(handover.take_nowait() or ())
        if pull.tls is None:
            io.writer.write(data)
        else:
            for command in pull.tls.send_data(data):
                self._obey(command, [])
        handover.listen(lambda: self._parts_ready(hook))
        return True

    async def _complete_later(self, hook: TakeHook) -> None:
        """The client reads slower than the provider writes: wait for it."""
        pull = hook.data
        if pull.http2 is not None:
            await pull.http2.drained(pull.stream_id)
        io = self.transports.get(self.client)
        if io is not None and io.writer is not None:
            with suppress(OSError):
                await io.writer.drain()
        async with self._server_event_lock:
            self._complete(hook)

    def _complete(self, hook: TakeHook) -> None:
        watchdog = self.timeout_watchdog
        watchdog.blocker -= 1
        if watchdog.blocker == 0:
            watchdog.can_timeout.set()
        hook.data.parts = hook.data.exchange.handover.take_nowait() or []
        self._process(events.HookCompleted(hook))

    def _has_room(self, pull: Pull) -> bool:
        if pull.http2 is not None and pull.http2.backlog(pull.stream_id) > HIGH_WATER:
            return False
        io = self.transports.get(self.client)
        return io is None or not isinstance(io.writer, StreamWriter) or io.writer.transport.get_write_buffer_size() <= HIGH_WATER
