"""A source of one credential that is fetched: kept while it is good, fetched again ahead of its end by one fetch at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, Grant
from outgate.upstreams.fetched import aws, azure, google, oauth
from outgate.upstreams.fetched.asking import Answer, Ask, Question
from outgate.upstreams.fetched.settings import AwsSettings, AzureSettings, GoogleSettings
from outgate.upstreams.key_sources import Reading
from outgate.upstreams.renewal import Fresh, Renewal, RenewalError

_SECONDS = 15.0
"""For one fetch, however many calls it takes."""


class Calls(Protocol):
    """The way to token endpoints."""

    async def ask(self, hosts: Sequence[Backend], question: Question) -> Answer:
        """The answer of one of these hosts. Raises RenewalError."""


class FetchedSource:
    """The credential of one grant. `wall` gives seconds since the epoch."""

    def __init__(
        self, name: str, grant: Grant, environ: Mapping[str, str], calls: Calls, wall: Callable[[], float],
        monotonic: Callable[[], float], random: Callable[[], float],
    ) -> None:  # fmt: skip
        self._grant, self._environ, self._wall = grant, environ, wall
        self._ask: Ask = partial(calls.ask, grant.hosts)
        self._renewal = Renewal(name, self._fetch, monotonic, random)

    def read(self) -> Reading:
        secret = self._renewal.value()
        return Reading((secret,) if secret is not None else (), self._renewal.problem)

    def again(self, refused: Secret) -> None:
        self._renewal.refused(refused)

    async def ready(self) -> None:
        await self._renewal.ready()

    async def _fetch(self) -> Fresh:
        try:
            async with asyncio.timeout(_SECONDS):
                return await _fetched(self._grant, self._environ, self._ask, self._wall)
        except TimeoutError:
            raise RenewalError("the token endpoint takes too long") from None


class UnaskedSource:
    """The same where nothing is asked: what can be read on this machine is looked at, for `outgate check --credentials`."""

    def __init__(self, grant: Grant, environ: Mapping[str, str]) -> None:
        self._reading = Reading((), _unreadable(grant, environ))

    def read(self) -> Reading:
        return self._reading

    def again(self, refused: Secret) -> None:
        """Nothing is refused where nothing is asked."""

    async def ready(self) -> None:
        """There is nothing to wait for."""


def _fetched(grant: Grant, environ: Mapping[str, str], ask: Ask, wall: Callable[[], float]) -> Awaitable[Fresh]:
    settings = grant.settings
    if isinstance(settings, GoogleSettings):
        return google.fetch(settings, ask, wall)
    if isinstance(settings, AwsSettings):
        return aws.fetch(settings, environ, ask, wall)
    if isinstance(settings, AzureSettings):
        return azure.fetch(settings, environ, ask)
    return oauth.fetch(settings, environ, ask)


def _unreadable(grant: Grant, environ: Mapping[str, str]) -> str:
    settings = grant.settings
    try:
        if isinstance(settings, GoogleSettings):
            google.made(settings)
        elif isinstance(settings, AwsSettings):
            aws.question(settings, environ, lambda: 0.0)
        elif isinstance(settings, AzureSettings):
            azure.question(settings, environ)
        else:
            oauth.question(settings, environ)
    except RenewalError as error:
        return str(error)
    return ""
