"""Background traffic: requests on fresh connections, and the outcome of each."""

import threading
from pathlib import Path

import httpx

from e2e.world import http

URL = "https://api.openai.com/v1/chat/completions"
BODY = {"model": "gpt-4o-mini", "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}]}


def ask(gateway, client: httpx.Client | None = None) -> int | str:
    """One request, on a connection of its own unless given a client: its status, or the transport error."""
    try:
        if client is not None:
            return client.post(URL, json=BODY).status_code
        with http(gateway) as own:
            return own.post(URL, json=BODY).status_code
    except httpx.ProxyError as error:
        return int(str(error)[:3]) if str(error)[:3].isdigit() else "ProxyError"
    except httpx.TransportError as error:
        return type(error).__name__


class Load:
    """Requests from a few threads until it is left. With `keep`, each thread keeps one connection."""

    def __init__(self, gateway, threads: int = 3, *, keep: bool = False) -> None:
        self.gateway, self.keep, self.results, self._over = gateway, keep, [], threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def reached(self, more: int):
        """A condition: so many more requests have ended."""
        wanted = len(self.results) + more
        return lambda: len(self.results) >= wanted

    def _run(self) -> None:
        client = http(self.gateway) if self.keep else None
        while not self._over.is_set():
            self.results.append(ask(self.gateway, client))
        if client is not None:
            client.close()


def put(path: Path, text: str) -> None:
    """Replace a file at once: nobody reads half of it."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
