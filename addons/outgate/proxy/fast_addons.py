"""Dispatch mitmproxy hooks to the few addons of a worker: each event's callables are resolved once, not on every event.

An addon that raises ends the hook: nothing behind it runs, and the layers that depend on an answer have none (fail closed).
"""

import inspect
import logging
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mitmproxy import addonmanager, exceptions, hooks

_log = logging.getLogger(__name__)


class FastAddonManager(addonmanager.AddonManager):
    """AddonManager with a table: event name to bound methods."""

    def __init__(self, master: Any) -> None:
        super().__init__(master)
        self._table: dict[str, list[Callable[..., Any]]] = {}
        self._names: dict[type, tuple[str, ...]] = {}

    def register(self, addon: Any) -> Any:
        self._table.clear()
        return super().register(addon)

    def remove(self, addon: Any) -> None:
        self._table.clear()
        super().remove(addon)

    async def handle_lifecycle(self, event: hooks.Hook) -> None:
        await self.trigger_event(event)  # no `update` event: a worker has no view

    async def trigger_event(self, event: hooks.Hook) -> None:
        callables = self._table.get(event.name)
        if callables is None:
            callables = self._table[event.name] = self._resolve(event)
        if not callables:
            return
        names = self._names.get(type(event))
        if names is None:
            names = self._names[type(event)] = tuple(each.name for each in fields(event))  # type: ignore[arg-type]
        arguments = [getattr(event, name) for name in names]
        for each in callables:
            try:
                result = each(*arguments)
                if result is not None and inspect.isawaitable(result):
                    await result
            except (exceptions.AddonHalt, exceptions.OptionsError):
                raise
            except Exception:
                _log.exception("addon failed in %s", event.name)
                return

    def _resolve(self, event: hooks.Hook) -> list[Callable[..., Any]]:
        return [method for addon in self.chain for _, method in self._iter_hooks(addon, event)]
