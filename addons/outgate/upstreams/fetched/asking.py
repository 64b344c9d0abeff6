"""Questions to token endpoints, and their answers as values that end."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import orjson

from outgate.net.secret import Secret
from outgate.upstreams.fetched.settings import KeptSettings
from outgate.upstreams.key_sources import contents, line_of
from outgate.upstreams.renewal import Fresh, RenewalError
from outgate.upstreams.signing import SigningKeys

_RENEWED = 0.75
"""The share of its life after which a token is fetched again."""
_UNTOLD = 300.0
"""Seconds that a token lasts of which the issuer does not say: RFC 6749 section 5.1 only recommends that it does."""
_LONGEST = 86_400.0
_TOKEN = re.compile(r"[!-~]+")
_FORM = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))


@dataclass(frozen=True, slots=True)
class Question:
    """One request to a token endpoint. `authorization` is the whole field; `keys` sign it instead."""

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    authorization: Secret | None = None
    keys: SigningKeys | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of status 200."""

    headers: Mapping[str, str]
    body: bytes = field(repr=False)


type Ask = Callable[[Question], Awaitable[Answer]]
"""Asks one of the hosts that a source may call. Raises RenewalError for any other, and where there is no answer of status 200."""


def form(url: str, fields: Mapping[str, str], authorization: Secret | None = None) -> Question:
    """A POST of the fields that have a value."""
    body = urlencode({name: value for name, value in fields.items() if value}).encode()
    return Question(url, "POST", _FORM, body, authorization)


def token_of(answer: Answer) -> Fresh:
    """The access token of an answer (RFC 6749 section 5.1). Raises RenewalError."""
    try:
        told: Any = orjson.loads(answer.body)
        token, life = told["access_token"], float(told.get("expires_in", _UNTOLD))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RenewalError("the token endpoint gave no token") from None
    return fresh(token, life)


def fresh(token: object, life: float) -> Fresh:
    """A token that ends in so many seconds. Raises RenewalError where it is no token, or has ended."""
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RenewalError("the token endpoint gave no token")
    if not life > 0:
        raise RenewalError("the token endpoint gave a token that has ended")
    life = min(life, _LONGEST)
    return Fresh(Secret(token), _RENEWED * life, life)


def kept(settings: KeptSettings, environ: Mapping[str, str]) -> Secret:
    """The secret that is kept there. Raises RenewalError."""
    text, problem = line_of(settings.env, settings.file, environ)
    if problem:
        raise RenewalError(problem)
    return Secret(text)


def token_in(file: str) -> Secret:
    """The token that a file holds. Raises RenewalError."""
    text = contents(file).strip()
    if not _TOKEN.fullmatch(text):
        raise RenewalError(f"the file {file} is missing, or holds no token")
    return Secret(text)
