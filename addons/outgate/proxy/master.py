"""mitmproxy's master, addon manager and options as a worker runs them: without views, and at no cost for each event.

Used by `outgate run` alone; mitmdump and mitmweb bring their own.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from mitmproxy import addonmanager, exceptions, hooks
from mitmproxy.master import Master
from mitmproxy.options import Options

_log = logging.getLogger(__name__)


class WorkerMaster(Master):
    """mitmproxy's master without its views, logs and scripts."""

    def __init__(self, options: Options, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(options, event_loop=loop, with_termlog=False)
        self.addons = FastAddonManager(self)
        self._legacy_log_events.uninstall()
        setattr(self._legacy_log_events, "uninstall", lambda: None)  # noqa: B010  Master.done() would uninstall twice


def serving_addons() -> list[object]:
    """The addons of mitmproxy that serve clients, in their order."""
    from mitmproxy.addons import next_layer, proxyserver, tlsconfig  # only here: a worker keeps the thirty others out

    return [proxyserver.Proxyserver(), next_layer.NextLayer(), tlsconfig.TlsConfig()]


class _Resolved(NamedTuple):
    """What is called for one event, the names of its arguments, and whether anything of it may wait."""

    callables: tuple[Callable[..., Any], ...]
    arguments: tuple[str, ...]
    waits: bool


class FastAddonManager(addonmanager.AddonManager):
    """AddonManager with a table: each event's callables are resolved once, not on every event.

    An addon that raises ends the hook: nothing behind it runs, and the layers that depend on an answer have none (fail closed).
    """

    def __init__(self, master: Any) -> None:
        super().__init__(master)
        self._table: dict[str, _Resolved] = {}

    def register(self, addon: Any) -> Any:
        self._table.clear()
        return super().register(addon)

    def remove(self, addon: Any) -> None:
        self._table.clear()
        super().remove(addon)

    async def handle_lifecycle(self, event: hooks.Hook) -> None:
        await self.trigger_event(event)  # no `update` event: a worker has no view

    async def trigger_event(self, event: hooks.Hook) -> None:
        resolved = self._resolved(event)
        arguments = [getattr(event, name) for name in resolved.arguments]
        for each in resolved.callables:
            try:
                result = each(*arguments)
                if result is not None and inspect.isawaitable(result):
                    await result
            except (exceptions.AddonHalt, exceptions.OptionsError):
                raise
            except Exception:
                _log.exception("addon failed in %s", event.name)
                return

    def trigger_at_once(self, event: hooks.Hook) -> bool:
        """The same, here and now; False, and nothing is done, where something of it may wait."""
        resolved = self._resolved(event)
        if resolved.waits:
            return False
        arguments = [getattr(event, name) for name in resolved.arguments]
        try:
            for each in resolved.callables:
                each(*arguments)
        except Exception:
            _log.exception("addon failed in %s", event.name)
        return True

    def _resolved(self, event: hooks.Hook) -> _Resolved:
        found = self._table.get(event.name)
        if found is None:
            callables = tuple(method for addon in self.chain for _, method in self._iter_hooks(addon, event))
            names = tuple(each.name for each in fields(event))  # type: ignore[arg-type]
            waits = any(map(inspect.iscoroutinefunction, callables))
            found = self._table[event.name] = _Resolved(callables, names, waits)
        return found


class SteadyOptions(Options):
    """Options, each copied once and not deeply on every read: they are read on every connection and hardly ever change."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_known"] = {}
        self.changed.connect(self._forget)

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__.get("_known")
        if known is None:
            return super().__getattr__(name)
        if name not in known:
            known[name] = super().__getattr__(name)
        return known[name]

    def _forget(self, updated: set[str]) -> None:
        for name in updated:
            self.__dict__["_known"].pop(name, None)
