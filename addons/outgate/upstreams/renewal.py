"""Value that ends: fetched when it is first asked for, and again ahead of its end, by one fetch at a time.

Workers that started together do not ask together: each is early by a share of its own. Whoever asks while a value is good never
waits; what has ended is never given.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from outgate.errors import OutgateError
from outgate.net.secret import Secret

_log = logging.getLogger(__name__)
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_YOUNG = 10.0
"""Seconds for which a value that is refused is not fetched anew: the next one would be refused as well."""


class RenewalError(OutgateError):
    """No value could be fetched. The text says why, and holds nothing secret."""


class Fresh(NamedTuple):
    """A value, when it is to be fetched again and when it ends, both in seconds from now."""

    secret: Secret
    renew: float
    ends: float


class Renewal:
    """One value. `fetch` raises RenewalError; `random` gives numbers from 0 to 1."""

    def __init__(
        self, name: str, fetch: Callable[[], Awaitable[Fresh]], monotonic: Callable[[], float], random: Callable[[], float]
    ) -> None:
        self._name, self._fetch, self._monotonic, self._random = name, fetch, monotonic, random
        self._task: asyncio.Task[None] | None = None
        self._secret: Secret | None = None
        self._due = self._ends = self._born = float("-inf")
        self._pause = _FIRST_PAUSE
        self.problem = ""

    def value(self) -> Secret | None:
        """What is good now, if anything; a fetch begins where it is time for one."""
        now = self._monotonic()
        if now >= self._due:
            self._begin()
        return self._secret if now < self._ends else None

    async def ready(self) -> None:
        """Wait for the fetch that runs, where nothing is good until it ends."""
        if self.value() is None and self._task is not None:
            await asyncio.shield(self._task)

    def refused(self, secret: Secret) -> None:
        """The provider did not take this value: fetch another, unless it is not the present one, or that one is new."""
        if secret == self._secret and self._monotonic() - self._born >= _YOUNG:
            self._secret, self._due = None, float("-inf")

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        try:
            fetched = await self._fetch()
        except RenewalError as error:
            self._failed(str(error))
        except Exception as error:  # a fault of ours must not end renewal; its text might hold anything
            self._failed(f"{type(error).__name__} in the gateway")
        else:
            self._took(fetched)

    def _took(self, fetched: Fresh) -> None:
        now = self._born = self._monotonic()
        early = 0.9 + 0.1 * self._random()
        self._secret, self._due, self._ends = fetched.secret, now + fetched.renew * early, now + fetched.ends
        self._pause, self.problem = _FIRST_PAUSE, ""

    def _failed(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("the credential of %s is not renewed: %s", self._name, problem)
        self.problem = problem
        self._due = self._monotonic() + self._pause * (0.5 + 0.5 * self._random())
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
