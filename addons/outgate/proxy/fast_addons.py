"""Dispatch mitmproxy hooks to the few addons of a worker: each event's callables are resolved once, not on every event.

An addon that raises ends the hook: nothing behind it runs, and the layers that depend on an answer have none (fail closed).
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

from mitmproxy import addonmanager, exceptions, hooks

_log = logging.getLogger(__name__)


class _Resolved(NamedTuple):
    """What is called for one event, the names of its arguments, and whether anything of it may wait."""

    callables: tuple[Callable[..., Any], ...]
    arguments: tuple[str, ...]
    waits: bool


class FastAddonManager(addonmanager.AddonManager):
    """AddonManager with a table: event name to bound methods."""

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
