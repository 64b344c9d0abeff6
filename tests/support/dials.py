"""Audit of the connections and name look-ups of this process, as the interpreter itself reports them (PEP 578)."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Dials:
    """`connected` holds `(host, port)`, `looked_up` host names, of all threads but the one that watches."""

    def __init__(self) -> None:
        self.connected: list[tuple[str, int]] = []
        self.looked_up: list[str] = []
        self._client = threading.get_ident()

    def note(self, event: str, arguments: tuple) -> None:
        if threading.get_ident() == self._client:
            return
        if event == "socket.connect":
            self.connected.append(tuple(arguments[1][:2]) if isinstance(arguments[1], tuple) else (str(arguments[1]), 0))
        elif event == "socket.getaddrinfo":
            self.looked_up.append(str(arguments[0]))


_watching: list[Dials] = []


def _hook(event: str, arguments: tuple) -> None:
    if _watching and event.startswith("socket."):
        for each in _watching:
            each.note(event, arguments)


sys.addaudithook(_hook)


@contextmanager
def watched() -> Iterator[Dials]:
    """Watch what other threads than this one dial."""
    dials = Dials()
    _watching.append(dials)
    try:
        yield dials
    finally:
        _watching.remove(dials)
