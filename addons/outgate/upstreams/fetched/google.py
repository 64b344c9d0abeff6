"""An access token of Google Cloud, by google-auth: keys of service accounts, workload identity federation, the metadata server.

The library waits in a thread; each of its calls is made in the loop, through the one outbound client. What it would try again by
itself, or quote in an error, it never sees: an answer that is not of status 200 ends the fetch.
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from outgate.net.secret import Secret
from outgate.upstreams.fetched.asking import Ask, Question, fresh
from outgate.upstreams.fetched.settings import GoogleSettings
from outgate.upstreams.renewal import Fresh, RenewalError

_KEY, _FEDERATED = "service_account", "external_account"


async def fetch(settings: GoogleSettings, ask: Ask, wall: Callable[[], float]) -> Fresh:
    """The token. Raises RenewalError."""
    loop = asyncio.get_running_loop()

    def transport(url: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None, **_: Any) -> _Response:
        answer = asyncio.run_coroutine_threadsafe(_asked(ask, url, method, body, headers or {}), loop).result()
        return _Response(200, answer.headers, answer.body)

    credentials = made(settings)
    await asyncio.to_thread(_refresh, credentials, transport)
    return fresh(credentials.token, credentials.expiry.replace(tzinfo=UTC).timestamp() - wall())


class _Response(NamedTuple):
    """An answer as the library reads it."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def made(settings: GoogleSettings) -> Any:
    """The library's credentials. Raises RenewalError where the file is not what it should be."""
    from google.auth import compute_engine, identity_pool
    from google.oauth2 import service_account

    if not settings.file:
        return compute_engine.Credentials(settings.service_account, scopes=settings.scopes)  # type: ignore[no-untyped-call]
    kind, written = _read(settings.file)
    try:
        if kind == _KEY:
            found = service_account.Credentials.from_service_account_info(written, scopes=settings.scopes)  # type: ignore[no-untyped-call]
            return found.with_always_use_jwt_access(settings.self_signed)
        federated = identity_pool.Credentials.from_info(written, scopes=settings.scopes)  # type: ignore[no-untyped-call]
        token = written["credential_source"].get("file")
    except Exception:  # whatever the library says of a file might quote it
        raise RenewalError(f"the file {settings.file} is not whole") from None
    if token and not Path(token).is_file():
        raise RenewalError(f"the file {token} is missing")
    return federated


def _read(file: str) -> tuple[str, dict[str, Any]]:
    try:
        written = orjson.loads(Path(file).read_bytes())
        kind = written["type"]
    except (OSError, ValueError, TypeError, KeyError):
        raise RenewalError(f"the file {file} is missing, or is no key file of Google") from None
    if kind not in (_KEY, _FEDERATED):
        raise RenewalError(f"the file {file} is neither a {_KEY} nor an {_FEDERATED}")
    return kind, written


def _refresh(credentials: Any, transport: Any) -> None:
    try:
        credentials.refresh(transport)
    except RenewalError:
        raise
    except Exception as error:  # its text might quote an answer
        raise RenewalError(f"the library of Google gave up: {type(error).__name__}") from None


async def _asked(ask: Ask, url: str, method: str, body: Any, headers: Mapping[str, str]) -> Any:
    fields = {name.lower(): value for name, value in headers.items()}
    shown = fields.pop("authorization", None)
    sent = body.encode() if isinstance(body, str) else body or b""
    return await ask(Question(url, method, tuple(fields.items()), sent, Secret(shown) if shown is not None else None))
