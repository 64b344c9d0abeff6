"""The price of a new release of mitmproxy or h11: what of it has changed, and which of our files relies on that.

Where a digest differs, read the change and compare what our file does with it; then write the new digest down.
"""

import ast
import asyncio
import functools
import hashlib
import inspect
import textwrap
from importlib import import_module
from pathlib import Path

import pytest
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import HttpLayer
from mitmproxy.proxy.layers.http import HTTPMode, HttpStream
from mitmproxy.proxy.mode_servers import ProxyConnectionHandler
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test.tflow import tclient_conn

import outgate
from outgate.proxy.internals import Http1Server, Http2Server, ReceiveBuffer

OUR = Path(outgate.__file__).parent
PROXY = OUR / "proxy"
FOREIGN = ("mitmproxy", "h11", "h2", "OpenSSL")

REPEATED = {
    "mitmproxy.addonmanager.AddonManager._iter_hooks": ("master.py", "6f5b89caa0e6"),
    "mitmproxy.addonmanager.AddonManager.handle_lifecycle": ("master.py", "561982f3112e"),
    "mitmproxy.addonmanager.AddonManager.register": ("master.py", "983239d41357"),
    "mitmproxy.addonmanager.AddonManager.remove": ("master.py", "ac24d54ca122"),
    "mitmproxy.addonmanager.AddonManager.trigger_event": ("master.py", "4c3287ca6884"),
    "mitmproxy.addons.tlsconfig.TlsConfig.get_cert": ("tls.py", "838bcf1955c5"),
    "mitmproxy.addons.tlsconfig.TlsConfig.tls_start_client": ("tls.py", "79f44892bdcc"),
    "mitmproxy.contentviews._api.Contentview.render_priority": ("exchange_view.py", "653e489fef16"),
    "mitmproxy.master.Master.__init__": ("master.py", "9e15c7ce82a8"),
    "mitmproxy.optmanager.OptManager.__getattr__": ("master.py", "f5d6cb17c89e"),
    "mitmproxy.proxy.context.Context.__init__": ("layers.py", "71675f4fdfbd"),
    "mitmproxy.proxy.context.Context.fork": ("layers.py", "2787ccc7db92"),
    "mitmproxy.proxy.layer.Layer.handle_event": ("http1.py, http2.py, layers.py", "ee16edd16843"),
    "mitmproxy.proxy.layers.http.HttpLayer._handle_event": ("layers.py", "817bf5e29eb2"),
    "mitmproxy.proxy.layers.http.HttpLayer.event_to_child": ("layers.py", "78d70bfc1ede"),
    "mitmproxy.proxy.layers.http.HttpLayer.make_stream": ("layers.py", "efe5584f91c1"),
    "mitmproxy.proxy.layers.http.HttpStream.__init__": ("layers.py", "e70486bf3595"),
    "mitmproxy.proxy.layers.http.HttpStream.check_killed": ("observed.py", "036d67b34f7b"),
    "mitmproxy.proxy.layers.http.HttpStream.handle_connect_finish": ("layers.py", "68bda2f3e857"),
    "mitmproxy.proxy.layers.http.HttpStream.passthrough": ("layers.py", "b7750e2ea13f"),
    "mitmproxy.proxy.layers.http.HttpStream.send_response": ("observed.py", "54f629edd5d2"),
    "mitmproxy.proxy.layers.http.HttpStream.state_consume_request_body": ("observed.py", "872c2ac81f44"),
    "mitmproxy.proxy.layers.http.HttpStream.state_wait_for_request_headers": ("layers.py, observed.py", "7d4a192f5172"),
    "mitmproxy.proxy.layers.http.validate_request": ("gateway.py, layers.py, observed.py", "0c53bc53f672"),
    "mitmproxy.proxy.layers.http._http1.Http1Server.mark_done": ("http1.py", "b709e18c836a"),
    "mitmproxy.proxy.layers.http._http1.Http1Server.read_headers": ("http1.py", "35b138a1640f"),
    "mitmproxy.proxy.layers.http._http1.Http1Server.send": ("http1.py", "e8ba6cd21cbd"),
    "mitmproxy.proxy.layers.http._http1.Http1Connection._handle_event": ("http1.py", "f955d3b34242"),
    "mitmproxy.proxy.layers.http._http1.Http1Connection.read_body": ("http1.py, chunks.py", "e87b431566fe"),
    "mitmproxy.proxy.layers.http._http1.Http1Connection.wait": ("http1.py", "bae341e22191"),
    "mitmproxy.proxy.layers.http._http1.make_body_reader": ("http1.py", "ebebb6e1a1e8"),
    "mitmproxy.proxy.layers.http._http2.Http2Connection._handle_event": ("http2.py", "fd5c83bcff2f"),
    "mitmproxy.proxy.layers.http._http2.Http2Server._handle_event": ("http2.py", "58cbb8c84824"),
    "mitmproxy.proxy.layers.http._http2.Http2Server.handle_h2_event": ("http2.py", "cc6efdaf45c0"),
    "mitmproxy.proxy.layers.http._http2.Http2Connection.protocol_error": ("http2.py", "d496404d2f19"),
    "mitmproxy.proxy.layers.http._http_h2.BufferedH2Connection.send_data": ("http2.py", "d93d93079871"),
    "mitmproxy.proxy.layers.tls.TLSLayer.receive_data": ("fast_path.py", "e2a8ecce98d5"),
    "mitmproxy.proxy.layers.tls.TLSLayer.send_data": ("fast_path.py", "74a65e0ba581"),
    "mitmproxy.proxy.layers.tls.TLSLayer.tls_interact": ("fast_path.py", "deb63d24e36e"),
    "mitmproxy.proxy.mode_servers.ServerInstance.handle_stream": ("handler.py", "96b69d613b1e"),
    "mitmproxy.proxy.mode_servers.AsyncioServerInstance.listen": ("handler.py", "633593480709"),
    "mitmproxy.proxy.server.ConnectionHandler.close_connection": ("handler.py", "5de68b550f91"),
    "mitmproxy.proxy.server.ConnectionHandler.drain_writers": ("handler.py", "996781eaa91d"),
    "mitmproxy.proxy.server.ConnectionHandler.handle_client": ("handler.py", "0d7157a78dba"),
    "mitmproxy.proxy.server.ConnectionHandler.hook_task": ("handler.py", "140e9f41a486"),
    "mitmproxy.proxy.server.ConnectionHandler.log": ("handler.py", "cbf2de9a2686"),
    "mitmproxy.proxy.server.ConnectionHandler.server_event": ("handler.py", "c6b087e34b58"),
    "mitmproxy.proxy.server.ConnectionHandler.wakeup": ("handler.py", "05c24300ea26"),
    "h11._readers.ChunkedReader.__call__": ("chunks.py", "67633282cb49"),
    "h11._readers._decode_header_lines": ("chunks.py", "b3b4141b15df"),
}
"""What our files repeat, override or call in a certain order, with the file and a digest of the code, comments apart."""


def found(path):
    """The object at a dotted path, or None."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            value = import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for name in parts[cut:]:
            value = vars(value).get(name)
        return value
    return None


def digest(function):
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:12]


def imports(path):
    """The (module, name) pairs that a file imports from packages that are not ours."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] in FOREIGN:
            yield from ((node.module, each.name) for each in node.names)
        elif isinstance(node, ast.Import):
            yield from ((each.name, "") for each in node.names if each.name.partition(".")[0] in FOREIGN)


@functools.cache
def takers():
    """Our files, with the names that each takes from internals."""
    taken = {}
    for path in OUR.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "outgate.proxy.internals":
                taken.setdefault(path.name, set()).update(each.name for each in node.names)
    return taken


def users(name):
    return sorted(file for file, names in takers().items() if name in names)


def private(module, name):
    return any(part.startswith("_") for part in (*module.split("."), name))


def test_private_names_come_through_internals_alone():
    others = [path for path in OUR.rglob("*.py") if path != PROXY / "internals.py"]

    assert [] == [f"{path.relative_to(OUR)}: {pair}" for path in others for pair in imports(path) if private(*pair)]


@pytest.mark.parametrize(("module", "name"), sorted(set(imports(PROXY / "internals.py"))))
def test_a_name_that_we_import_is_there(module, name):
    ours = {"_decode_header_lines": "decode_header_lines"}.get(name, name)

    assert users(ours), f"nobody takes {ours} from internals.py: remove it"
    there = hasattr(import_module(module), name)
    assert there, f"{module}.{name} is gone: {', '.join(users(ours))} rely on it"


@pytest.mark.parametrize("path", REPEATED)
def test_code_that_we_repeat_or_override_is_what_it_was(path):
    files, known = REPEATED[path]
    function = found(path)
    assert function is not None, f"{path} is gone: proxy/{files} rely on it"

    now = digest(function)

    assert known == now, f"{path} has changed: proxy/{files} rely on it; read the change, then write down {now}"


def overrides():
    """The methods of foreign classes that our subclasses override."""
    for path in sorted(PROXY.glob("*.py")):
        for ours in vars(import_module(f"outgate.proxy.{path.stem}")).values():
            if inspect.isclass(ours) and ours.__module__ == f"outgate.proxy.{path.stem}":
                yield from ((path.name, name) for name in overridden(ours))


def overridden(ours):
    foreign = [base for base in ours.__mro__ if base.__module__.partition(".")[0] in FOREIGN]
    for name, value in vars(ours).items():
        base = next((each for each in foreign if name in vars(each)), None)
        if (
            base is not None
            and not name.startswith("__")
            and inspect.isfunction(value)
            and not getattr(vars(base)[name], "__isabstractmethod__", False)
        ):
            yield f"{base.__module__}.{base.__qualname__}.{name}"


def test_what_we_override_is_watched():
    assert [] == sorted({(file, name) for file, name in overrides() if file not in REPEATED.get(name, ("", ""))[0]})


def context():
    options = Options()
    options.add_option("validate_inbound_headers", bool, True, "as the addon proxyserver has it")
    return Context(tclient_conn(), options)


def connection_handler():
    master = Master(Options(), event_loop=asyncio.get_running_loop(), with_termlog=False)
    master.addons.add(Proxyserver())
    reader, writer = asyncio.StreamReader(), FakeWriter()
    return ProxyConnectionHandler(master, reader, writer, master.options, ProxyMode.parse("regular"))


class FakeWriter:
    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)


TOUCHED = {
    "http1.py": (
        lambda: Http1Server(context()),
        "buf conn request request_done response response_done state stream_id passthrough done",
    ),
    "http2.py": (lambda: Http2Server(context()), "h2_conn conn streams is_closed done"),
    "http2.py ": (lambda: Http2Server(context()).h2_conn, "stream_buffers streams reset_stream data_to_send"),
    "layers.py": (lambda: HttpLayer(context(), HTTPMode.regular), "connections streams command_sources mode context"),
    "layers.py, observed.py": (
        lambda: HttpStream(HttpLayer(context(), HTTPMode.regular).context, 1),
        "child_layer client_state server_state state_errored state_done request_body_buf stream_id context _handle_event mode",
    ),
    "handler.py": (
        connection_handler,
        "_server_event_lock client layer master transports timeout_watchdog wakeup_timer close_connection log",
    ),
    "handler.py ": (lambda: connection_handler().timeout_watchdog, "blocker can_timeout timeout register_activity"),
    "master.py": (
        lambda: Master(Options(), event_loop=asyncio.get_running_loop(), with_termlog=False),
        "_legacy_log_events addons commands options",
    ),
    "tls.py": (TlsConfig, "get_cert tls_start_client"),
    "gateway.py": (Proxyserver, "connections servers setup_servers"),
    "chunks.py": (ReceiveBuffer, "maybe_extract_at_most maybe_extract_lines __iadd__ __len__"),
}


@pytest.mark.parametrize("files", TOUCHED)
def test_attributes_that_we_touch_are_there(files):
    make, names = TOUCHED[files]

    async def missing():
        made = make()
        return [name for name in names.split() if not hasattr(made, name)]

    gone = asyncio.run(missing())
    assert [] == gone, f"{', '.join(gone)}: proxy/{files.strip()} relies on it"
