"""An access token by client credentials: RFC 6749 section 4.4, and RFC 7523 section 2.2 where a signed token proves the client."""

import base64
from collections.abc import Mapping
from urllib.parse import quote_plus

from outgate.net.secret import Secret
from outgate.upstreams.fetched.asking import Ask, Question, form, kept, token_in, token_of
from outgate.upstreams.fetched.settings import OauthSettings
from outgate.upstreams.renewal import Fresh

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def fetch(settings: OauthSettings, environ: Mapping[str, str], ask: Ask) -> Fresh:
    """The token. Raises RenewalError."""
    return token_of(await ask(question(settings, environ)))


def question(settings: OauthSettings, environ: Mapping[str, str]) -> Question:
    """What the token endpoint is asked. Raises RenewalError where a secret cannot be read."""
    fields = {"grant_type": "client_credentials", "scope": " ".join(settings.scopes), "audience": settings.audience}
    if settings.client_secret is None:
        proof = {"client_assertion_type": _ASSERTION, "client_assertion": token_in(settings.assertion_file).reveal()}
        return form(settings.token_url, fields | {"client_id": settings.client_id} | proof)
    secret = kept(settings.client_secret, environ)
    if settings.authentication == "post":
        return form(settings.token_url, fields | {"client_id": settings.client_id, "client_secret": secret.reveal()})
    return form(settings.token_url, fields, _basic(settings.client_id, secret))


def _basic(name: str, secret: Secret) -> Secret:
    """RFC 6749 section 2.3.1: both are form-encoded first."""
    pair = f"{quote_plus(name)}:{quote_plus(secret.reveal())}".encode()
    return Secret(f"Basic {base64.b64encode(pair).decode()}")
