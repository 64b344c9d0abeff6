"""Key sets of token issuers (RFC 7517): from a file, or fetched from a provider of the policy, cached, rarely refreshed.

A key id nobody knows makes the set be fetched again, at most once per `_AGAIN` seconds, so that strangers cannot make the gateway
hammer an issuer; while there is no set yet, at most once per `_FAILED` seconds. A set that cannot be fetched again stays good for
`_STALE` seconds. Source: RFC 7517.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import orjson
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from outgate.errors import OutgateError, UpstreamError
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.client import Client

_FRESH = 300.0
_STALE = 3600.0
_AGAIN = 10.0
_FAILED = 1.0


class KeysUnavailableError(OutgateError):
    """An issuer's keys cannot be had now."""


@dataclass(slots=True)
class _Held:
    keys: dict[str, PyJWK]
    fetched: float
    asked: float


class IssuerKeys:
    """One key set: of `file`, or of `path` at `provider`. `monotonic` gives seconds, `deadline` bounds one fetch."""

    def __init__(
        self,
        *,
        file: str,
        provider: str,
        path: str,
        catalog: Catalog,
        client: Client,
        monotonic: Callable[[], float],
        deadline: float,
    ) -> None:
        self._file = file
        self._provider = provider
        self._path = path
        self._catalog = catalog
        self._client = client
        self._monotonic = monotonic
        self._deadline = deadline
        self._held: _Held | None = None
        self._failed = float("-inf")
        self._lock = asyncio.Lock()

    async def key(self, kid: str) -> PyJWK | None:
        """The key of this id, None where the issuer has no such key. Raises KeysUnavailableError."""
        held = self._held
        if held is None or self._is_due(held, kid):
            async with self._lock:
                held = self._held
                if held is None or self._is_due(held, kid):
                    held = self._held = await self._renewed(held)
        if self._monotonic() - held.fetched > _STALE:
            raise KeysUnavailableError("the keys of a token issuer are too old")
        return held.keys.get(kid)

    def _is_due(self, held: _Held, kid: str) -> bool:
        now = self._monotonic()
        return now - held.asked >= _AGAIN and (now - held.fetched >= _FRESH or kid not in held.keys)

    async def _renewed(self, held: _Held | None) -> _Held:
        now = self._monotonic()
        if now - self._failed < _FAILED:
            raise KeysUnavailableError("the keys of a token issuer could not be read just now")
        try:
            return _Held(keys_of(await self._read()), now, now)
        except (UpstreamError, TimeoutError, OSError, ValueError) as error:
            if held is None:
                self._failed = self._monotonic()
                raise KeysUnavailableError("the keys of a token issuer cannot be read") from error
            return _Held(held.keys, held.fetched, now)

    async def _read(self) -> bytes:
        if self._file:
            return await asyncio.to_thread(Path(self._file).read_bytes)
        backend = next(iter(self._catalog.by_provider(self._provider)), None)
        if backend is None:
            raise ValueError("no such provider")
        async with asyncio.timeout(self._deadline):
            answer = await self._client.fetch(backend, "GET", backend.path_prefix + self._path, (("accept", "application/json"),))
        if answer.status != 200:
            raise ValueError("the key set was not found")
        return answer.body


def keys_of(raw: bytes) -> dict[str, PyJWK]:
    """Signature keys by id. Keys of a kind we do not know are left out. Raises ValueError for what is no key set."""
    tree: Any = orjson.loads(raw)
    listed = tree.get("keys") if isinstance(tree, dict) else None
    if not isinstance(listed, list):
        raise ValueError("not a JWK set")  # noqa: TRY004 - a wrong document, not a wrong call
    found: dict[str, PyJWK] = {}
    for each in listed:
        if (
            isinstance(each, dict)
            and isinstance(each.get("kid"), str)
            and each.get("use", "sig") == "sig"
            and each.get("kty") != "oct"
        ):
            try:
                found[each["kid"]] = PyJWK.from_dict(each)
            except PyJWTError:
                continue
    return found


def cause_of(token: str, now: float, leeway: float) -> str:
    """Why a JWT stands for nobody, by what it says of itself, unverified: enough to tell an operator where to look."""
    try:
        claims = jwt.decode(
            token, options={"verify_signature": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False}
        )
        start, end = float(claims.get("nbf", 0)), float(claims.get("exp", 0))
    except (PyJWTError, TypeError, ValueError):
        return "malformed token"
    if now >= end + leeway:
        return "expired token"
    return "token not yet valid" if start - leeway > now else "untrusted token"
