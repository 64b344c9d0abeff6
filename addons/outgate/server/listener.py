"""How a worker listens: on a socket it inherited, shared with its siblings, and with a handler that dies rather than hangs."""

import logging
import socket
from asyncio import Server, start_server
from typing import Any

from mitmproxy import ctx, platform
from mitmproxy.proxy import layer, layers, mode_servers, mode_specs
from mitmproxy.proxy.context import Context

from outgate.proxy.handler import GatewayConnectionHandler

_log = logging.getLogger(__name__)


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
