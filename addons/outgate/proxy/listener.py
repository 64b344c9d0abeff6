"""How a worker listens: on a socket it inherited, shared with its siblings, and with a handler that dies rather than hangs."""

import logging
import socket
from asyncio import Server, start_server
from typing import Any

from mitmproxy import ctx, platform
from mitmproxy.proxy import commands, layer, layers, mode_servers, mode_specs
from mitmproxy.proxy.context import Context

from outgate.proxy.layers import TakeHook

_log = logging.getLogger(__name__)


class GatewayMode(mode_specs.RegularMode):
    """`gateway`: one listener that serves CONNECT, absolute-form and base-URL clients."""

    description = "AI gateway"


class GatewayTransparentMode(mode_specs.TransparentMode):
    """`gatewaytransparent`: connections redirected by the kernel."""

    description = "AI gateway (transparent)"


class GatewayConnectionHandler(mode_servers.ProxyConnectionHandler):
    """One client connection. A layer that crashes closes it: mitmproxy would leave it open and silent."""

    async def handle_hook(self, hook: commands.StartHook) -> None:
        if hook.__class__ is TakeHook:
            with self.timeout_watchdog.disarm():
                await self.master.addons.handle_lifecycle(hook)
            return
        await super().handle_hook(hook)

    def log(self, message: str, level: int = logging.INFO, exc_info: Any = None) -> None:
        super().log(message, level, exc_info)
        if level >= logging.ERROR:
            io = self.transports.get(self.client)
            if io is not None and io.handler is not None:
                io.handler.cancel("crashed")


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
