"""The gateway under stock mitmdump and mitmweb: the same plan, hardened options, and a Sentinel that outlives the script.

Options are three: the policy file, the state folder, and a pin of the policy's revision. YAML is the only configuration.
"""

import logging
from pathlib import Path

from mitmproxy import addonmanager, contentviews, ctx, exceptions

from outgate.errors import PolicyError
from outgate.proxy.gateway import Gateway
from outgate.proxy.hardening import harden, insist
from outgate.proxy.runtime import Runtime
from outgate.proxy.sentinel import Sentinel
from outgate.proxy.view import ExchangeView, record

_log = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[3]


class Script:
    """The addon that `mitmdump -s addons/gateway.py` loads; `addons` nests the Gateway once a policy is live."""

    def __init__(self) -> None:
        self.addons: list[object] = []
        self.runtime: Runtime | None = None

    def load(self, loader: addonmanager.Loader) -> None:
        loader.add_option("outgate_policy", str, str(_ROOT / "policies" / "default.yaml"), "The policy file.")
        loader.add_option("outgate_state", str, str(_ROOT / "state"), "The folder of journals, ledger and sockets.")
        loader.add_option("outgate_revision", str, "", "Refuse to run any policy but the one with this revision.")
        self._post_sentinel()
        harden(ctx.options)
        if ctx.options.confdir == "~/.mitmproxy":
            ctx.options.update(confdir=str(_ROOT / "certs"))
        contentviews.add(ExchangeView)

    def configure(self, updated: set[str]) -> None:
        insist(ctx.options, _log.error)
        if updated & {"outgate_policy", "outgate_state", "outgate_revision"} and self.runtime is not None:
            raise exceptions.OptionsError("outgate: the policy file, state folder and revision are fixed at start")

    async def running(self) -> None:
        """Compile the policy and open for business; until then, and whenever this fails, the Sentinel refuses everything."""
        options = ctx.options
        try:
            runtime = await Runtime.single(Path(options.outgate_policy), Path(options.outgate_state), pin=options.outgate_revision)
        except PolicyError as error:
            _log.error("outgate: the policy is refused\n%s", error)
            ctx.master.shutdown()
            return
        gateway = Gateway(runtime.surroundings(), runtime.limits(), observed=True, finished=record)
        ctx.master.addons.register(gateway)
        self.addons.append(gateway)
        self.runtime = runtime

    def done(self) -> None:
        """The script goes (shutdown, or a reload): from here on nothing is judged, so nothing passes."""
        runtime, self.runtime = self.runtime, None
        self.addons.clear()
        if runtime is not None:
            runtime.retire()

    def _alive(self) -> bool:
        return self.runtime is not None and self.runtime.policy() is not None

    def _post_sentinel(self) -> None:
        sentinel = ctx.master.addons.get("sentinel")
        if sentinel is None:
            ctx.master.addons.add(Sentinel(self._alive))
        else:
            sentinel.alive = self._alive
