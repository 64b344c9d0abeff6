"""Options that are read on every connection and hardly ever change: each is worked out once, not copied deeply every time."""

from typing import Any

from mitmproxy.options import Options


class SteadyOptions(Options):
    """mitmproxy's options, for a process whose addons only read what they are given."""

    def __init__(self) -> None:
        super().__init__()
        self.__dict__["_known"] = {}
        self.changed.connect(self._forget)

    def __getattr__(self, name: str) -> Any:
        known = self.__dict__.get("_known")
        if known is None:
            return super().__getattr__(name)  # type: ignore[no-untyped-call]
        if name not in known:
            known[name] = super().__getattr__(name)  # type: ignore[no-untyped-call]
        return known[name]

    def _forget(self, updated: set[str]) -> None:
        for name in updated:
            self.__dict__["_known"].pop(name, None)
