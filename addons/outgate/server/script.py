"""Run the gateway under stock mitmdump and mitmweb: the same plan, hardened options, and a Sentinel that outlives the script.

Options are three: the policy file, the state folder, and a pin of the policy's revision. YAML is the only configuration.
"""

import asyncio
import logging
import sqlite3
import sys
from collections.abc import Awaitable
from pathlib import Path

from outgate.errors import PolicyError
from outgate.proxy.exchange_view import add_exchange_view
from outgate.proxy.gateway import Gateway
from outgate.proxy.internals import Loader, ProxyMode, ctx, exceptions
from outgate.proxy.observed import ObservedStream
from outgate.proxy.shown import Shown
from outgate.server.hardening import harden, insist, keep_local
from outgate.server.layout import authority_problem
from outgate.server.runtime import Runtime
from outgate.server.sentinel import Sentinel

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[3]
_OPTIONS = {
    "outgate_policy": (str(_ROOT / "policies" / "default.yaml"), "The policy file."),
    "outgate_state": (str(_ROOT / "state"), "The folder of journals, ledger and sockets."),
    "outgate_revision": ("", "Refuse to run any policy but the one with this revision."),
}
_ABSENT = (
    "outgate: under stock mitmproxy these hold only in part: speed; service where file descriptors run out; a stop waits for no "
    "exchange (no drain); a crash of mitmproxy's own layers leaves the client waiting until tcp_timeout. `outgate run` holds them."
)
_CAUSES = (PolicyError, OSError, sqlite3.Error)


class Script:
    """The addon that `mitmdump -s addons/gateway.py` loads; `addons` nests the Gateway once a policy is live.

    mitmproxy loads it again whenever the file has changed: then its hooks may not wait, and what they begin goes on beside.
    """

    def __init__(self) -> None:
        self.addons: list[object] = []
        self.runtime: Runtime | None = None
        self._again = self._moves = False
        self._task: asyncio.Task[None] | None = None

    def load(self, loader: Loader) -> None:
        for name, (default, text) in _OPTIONS.items():
            loader.add_option(name, str, default, text)
        self._again = self._post_sentinel()
        add_exchange_view()
        harden(ctx.options, sys.argv)
        insist(ctx.options, _log.error, sys.argv)
        ctx.master.addons.get("sentinel").holds = True
        self._moves = not self._again and keep_local(ctx.options, sys.argv)
        if ctx.options.confdir == ctx.options.default("confdir"):
            self._use(_ROOT / "certs")
        self._check(Path(ctx.options.confdir).expanduser())

    def configure(self, updated: set[str]) -> None:
        if updated & set(_OPTIONS) and self.runtime is not None:
            raise exceptions.OptionsError("outgate: the policy file, state folder and revision are fixed at start")

    def running(self) -> Awaitable[None] | None:
        """Compile the policy and open for business; until then, and whenever this fails, the Sentinel refuses everything."""
        if not self._again:
            _log.warning(_ABSENT)
            return self._open()
        self._task = asyncio.get_running_loop().create_task(self._open())
        return None

    def done(self) -> Awaitable[None] | None:
        """The script goes (shutdown, or a reload): from here on nothing is judged, so nothing passes."""
        runtime, self.runtime = self.runtime, None
        self.addons.clear()
        if self._task is not None:
            self._task.cancel()
        if runtime is None:
            return None
        retiring = runtime.retire()
        ctx.master.addons.get("sentinel").retiring = retiring
        return retiring if ctx.master.should_exit.is_set() else None

    async def _open(self) -> None:
        if self._moves:
            await _move()
        options, retiring = ctx.options, ctx.master.addons.get("sentinel").retiring
        if retiring is not None:
            await asyncio.wait([retiring])
        try:
            runtime = await Runtime.single(Path(options.outgate_policy), Path(options.outgate_state), pin=options.outgate_revision)
        except _CAUSES as error:
            _log.error("outgate refuses to run: %s\n%s", _what(error), error)
            return
        shown = Shown()
        deps = runtime.exchange_deps()._replace(watch=shown.watch)
        gateway = shown.gateway = Gateway(
            deps, runtime.limits(), stream=ObservedStream, finished=shown.finished, identity=runtime.identity()
        )
        options.update(tcp_timeout=int(runtime.limits().idle_seconds))
        for addon in (gateway, shown):
            ctx.master.addons.register(addon)
            self.addons.append(addon)
        self.runtime = runtime
        _log.warning("outgate is ready: policy %s, revision %s", options.outgate_policy, runtime.revision)

    def _use(self, certs: Path) -> None:
        """The authority in our own folder, never one that mitmproxy makes there."""
        self._check(certs)
        ctx.options.update(confdir=str(certs))

    def _check(self, certs: Path) -> None:
        """Raise OptionsError without an authority that can be used. It is logged here: mitmproxy swallows what a script raises."""
        if problem := authority_problem(certs):
            _log.error("outgate refuses to run: %s", problem)
            raise exceptions.OptionsError(f"outgate refuses to run: {problem}")

    def _alive(self) -> bool:
        return self.runtime is not None and self.runtime.policy() is not None

    def _post_sentinel(self) -> bool:
        """True where it already stood there: the script has been loaded before."""
        sentinel = ctx.master.addons.get("sentinel")
        if sentinel is None:
            ctx.master.addons.add(Sentinel(self._alive))
            return False
        sentinel.alive = self._alive
        return True


async def _move() -> None:
    """Listen anew: mitmproxy had read where to listen before it loaded the script. Until now everything was refused."""
    servers = ctx.master.addons.get("proxyserver").servers
    await servers.update([])
    await servers.update(map(ProxyMode.parse, ctx.options.mode))
    _log.warning("outgate listens on %s alone; --listen-host ADDRESS opens it to other machines", ctx.options.listen_host)


def _what(error: Exception) -> str:
    return "the policy (outgate_policy) is refused" if isinstance(error, PolicyError) else "the state folder (outgate_state) fails"
