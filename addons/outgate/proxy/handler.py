"""Accept client connections and handle each without a task, a hook or a wake-up per event.

A worker listens on a socket that it inherited, shared with its siblings. What an exchange hands over is written in its own task's
turn. A layer that crashes closes the connection; mitmproxy would leave it open and silent. Nothing here can open a connection to a
server.
"""

import logging
import socket
from asyncio import Server, StreamWriter, start_server, timeout
from contextlib import suppress
from typing import Any, cast

from mitmproxy import ctx, platform
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer, layers, mode_servers, mode_specs
from mitmproxy.proxy.context import Context
from mitmproxy.utils import asyncio_utils

from outgate.exchange.channel import Abort, End
from outgate.proxy.fast_path import FastPath, PartsReady, ResponseWriter, Serve
from outgate.proxy.http2 import HIGH_WATER
from outgate.proxy.master import FastAddonManager

_log = logging.getLogger(__name__)


class GatewayConnectionHandler(mode_servers.ProxyConnectionHandler):
    """One client connection: it executes the commands of its layers. Each event is processed to its end, without awaiting."""

    _fast_path: FastPath | None = None
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
        """Wait only where something waits to be written, to the client or, of an upload, to its provider: nothing more is read
        until then. On HTTP/2 the other requests of the connection wait with it.
        """
        if self._unwritten():
            await super().drain_writers()
        for stream in tuple(self._fast_path.http.streams.values()) if self._fast_path is not None else ():
            exchange = getattr(stream, "exchange", None)
            if exchange is not None and exchange.body.upload is not None:
                await exchange.body.upload.room()

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
                fast_path = self._fast_path
                if fast_path is not None and each.__class__ is events.DataReceived:
                    self._receive(fast_path, each.data, pending)
                elif each.__class__ is PartsReady:
                    self._write(each.writer, pending)
                else:
                    for command in self.layer.handle_event(each):
                        self._execute(command, pending)
        except Exception:
            self.log("a layer has crashed", logging.ERROR, exc_info=True)

    def _receive(self, fast_path: FastPath, data: bytes, pending: list[events.Event]) -> None:
        data, whole = fast_path.decrypt(data)
        if data:
            for command in fast_path.http.handle_event(events.DataReceived(self.client, data)):
                self._send(fast_path, command, pending)
        replies = fast_path.tls_replies()
        if replies:
            self._execute(commands.SendData(self.client, replies), pending)
        if not whole:
            for command in self.layer.handle_event(events.DataReceived(self.client, b"")):
                self._execute(command, pending)

    def _send(self, fast_path: FastPath, command: commands.Command, pending: list[events.Event]) -> None:
        """Execute a command of the HTTP layer, whose data the layers around it have not encrypted."""
        if command.__class__ is commands.SendData:
            command.data = fast_path.encrypt(command.data)
        self._execute(command, pending)

    def _execute(self, command: commands.Command, pending: list[events.Event]) -> None:
        if isinstance(command, commands.SendData):
            io = self.transports.get(command.connection)
            if io is not None and io.writer is not None and not io.writer.is_closing():
                io.writer.write(command.data)
        elif isinstance(command, Serve):
            self._serve(command.writer, pending)
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

    def _serve(self, response: ResponseWriter, pending: list[events.Event]) -> None:
        """Write what the exchange hands over as soon as it is there and the client reads."""
        self._fast_path = response.fast_path
        watchdog = self.timeout_watchdog
        watchdog.blocker += 1
        watchdog.can_timeout.clear()
        if response.channel.ready:
            pending.append(PartsReady(response))
        else:
            self._listen(response)

    def _listen(self, response: ResponseWriter) -> None:
        response.channel.listen(lambda: self._parts_ready(response))

    def _parts_ready(self, response: ResponseWriter) -> None:
        if self._server_event_lock.locked() or not self._has_room(response):
            self._spawn(self._write_later(response), "response parts", keep=True)
        else:
            self._process(PartsReady(response))

    async def _write_later(self, response: ResponseWriter) -> None:
        """The client reads slower than the provider writes: wait for it."""
        if response.http2 is not None:
            await response.http2.drained(response.stream_id)
        io = self.transports.get(self.client)
        if io is not None and io.writer is not None:
            with suppress(OSError):
                await io.writer.drain()
        await self.server_event(PartsReady(response))

    def _write(self, response: ResponseWriter, pending: list[events.Event]) -> None:
        """Send what there is; after the last of it, the connection may be idle again."""
        parts = response.channel.take_nowait() or []
        for command in response.write(parts):
            self._send(response.fast_path, command, pending)
        if parts and isinstance(parts[-1], End | Abort):
            watchdog = self.timeout_watchdog
            watchdog.blocker -= 1
            if watchdog.blocker == 0:
                watchdog.can_timeout.set()
        else:
            self._listen(response)

    def _has_room(self, response: ResponseWriter) -> bool:
        if response.http2 is not None and response.http2.backlog(response.stream_id) > HIGH_WATER:
            return False
        return self._unwritten() <= HIGH_WATER

    def _unwritten(self) -> int:
        """Bytes that wait for the client to read."""
        io = self.transports.get(self.client)
        return io.writer.transport.get_write_buffer_size() if io is not None and isinstance(io.writer, StreamWriter) else 0


class GatewayMode(mode_specs.RegularMode):
    """`gateway`: one listener that serves CONNECT, absolute-form and base-URL clients."""

    description = "AI gateway"


class GatewayTransparentMode(mode_specs.TransparentMode):
    """`gatewaytransparent`: connections redirected by the kernel."""

    description = "AI gateway (transparent)"


SOCKETS: dict[str, socket.socket] = {}
"""Inherited listening sockets by mode name; set once, before the master starts."""


async def _listen(instance: mode_servers.AsyncioServerInstance[Any], host: str, port: int) -> list[Server]:
    inherited = SOCKETS.get(instance.mode.type_name)
    if inherited is None:
        return [await start_server(instance.handle_stream, host, port)]
    return [await start_server(instance.handle_stream, sock=inherited.dup(), backlog=4096)]


async def _handle(instance: mode_servers.AsyncioServerInstance[Any], handler: GatewayConnectionHandler) -> None:
    handler.layer = instance.make_top_layer(handler.layer.context)
    with instance.manager.register_connection(handler.layer.context.client.id, handler):
        await handler.handle_client()


class GatewayInstance(mode_servers.AsyncioServerInstance[GatewayMode]):
    """The explicit listener."""

    async def listen(self, host: str, port: int) -> list[Any]:
        return list(await _listen(self, host, port))

    def make_top_layer(self, context: Context) -> layer.Layer:
        return layers.modes.HttpProxy(context)

    async def handle_stream(self, reader: Any, writer: Any = None) -> None:
        await _handle(self, GatewayConnectionHandler(ctx.master, reader, writer, ctx.options, self.mode))


class GatewayTransparentInstance(mode_servers.AsyncioServerInstance[GatewayTransparentMode]):
    """The transparent listener: the kernel knows where the client wanted to go (SO_ORIGINAL_DST)."""

    async def listen(self, host: str, port: int) -> list[Any]:
        return list(await _listen(self, host, port))

    def make_top_layer(self, context: Context) -> layer.Layer:
        return layers.modes.TransparentProxy(context)

    async def handle_stream(self, reader: Any, writer: Any = None) -> None:
        handler = GatewayConnectionHandler(ctx.master, reader, writer, ctx.options, self.mode)
        try:
            assert platform.original_addr is not None
            original = platform.original_addr(writer.get_extra_info("socket"))
        except Exception:
            _log.exception("the original destination of a transparent connection is unknown")
            writer.close()
            return
        context = handler.layer.context
        context.client.sockname = context.server.address = original
        await _handle(self, handler)
