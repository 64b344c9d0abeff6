"""Calls to token endpoints, through the one outbound client: to listed hosts alone, and an answer is one of status 200.

What an endpoint says of a failure is never told: it may quote the secret that it was asked with. Its status is, and an error code
that OAuth 2.0 defines.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from outgate.errors import FailureKind, UpstreamError, WireError
from outgate.upstreams.catalog import Backend
from outgate.upstreams.client import Client, Fetched
from outgate.upstreams.credentials import BoundCredential
from outgate.upstreams.fetched.asking import Answer, Question
from outgate.upstreams.fetched.hosts import place_of
from outgate.upstreams.renewal import RenewalError

_LARGEST = 256 * 1024
_CODES = re.compile(
    rb'"error" *: *"(invalid_(?:request|client|grant|scope|target)|unauthorized_client|access_denied|unsupported_grant_type)"'
    rb"|<Code>(AccessDenied|InvalidIdentityToken|ExpiredTokenException|InvalidClientTokenId|SignatureDoesNotMatch|RegionDisabledException)<"
)
"""RFC 6749 section 5.2 and RFC 8693 section 2.2.2; common errors of the AWS token service."""


class TokenCalls:
    """Asks token endpoints."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def ask(self, hosts: Sequence[Backend], question: Question) -> Answer:
        """The answer. Raises RenewalError where the host is not listed, does not answer, or answers anything but 200."""
        backend = _listed(hosts, question.url)
        try:
            answer = await self._sent(backend, question)
        except UpstreamError as error:
            raise RenewalError(f"{backend.host} does not answer: {error.reason or error.kind}") from None
        except WireError:
            raise RenewalError(f"what {backend.host} would be asked cannot be sent") from None
        if answer.status != 200:
            code = _CODES.search(answer.body)
            raise RenewalError(f"{backend.host} answers {answer.status}" + (f" {_told(code)}" if code else ""))
        return Answer(dict(answer.headers), answer.body)

    async def _sent(self, backend: Backend, question: Question) -> Fetched:
        """Once more where an idle connection was lost: a second token does no harm."""
        parts = urlsplit(question.url)
        target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
        auth = _auth(backend, question)
        asked = (backend, question.method, target, question.headers, question.body, _LARGEST, auth)
        try:
            return await self._client.fetch(*asked)
        except UpstreamError as error:
            if error.kind is not FailureKind.STALE:
                raise
        return await self._client.fetch(*asked)


def _listed(hosts: Sequence[Backend], url: str) -> Backend:
    place, secured = place_of(url), url.startswith("https:")
    for backend in hosts:
        if f"{backend.host}:{backend.port}" == place and backend.tls.enabled == secured:
            return backend
    raise RenewalError(f"{place.rpartition(':')[0]} is not among the hosts that may be asked, or not by this scheme")


def _auth(backend: Backend, question: Question) -> BoundCredential | None:
    if question.authorization is None and question.keys is None:
        return None
    headers = (("authorization", question.authorization),) if question.authorization is not None else ()
    return BoundCredential(backend=backend.name, origination=backend.origination, headers=headers, keys=question.keys)


def _told(code: re.Match[bytes]) -> str:
    return (code.group(1) or code.group(2)).decode()
