"""Temporary keys of a role: AssumeRole and AssumeRoleWithWebIdentity of the AWS Security Token Service, API version 2011-06-15.

They come as `ACCESS_KEY:SECRET_KEY:SESSION_TOKEN`, the text from which `sigv4` signs.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from xml.etree import ElementTree as ET

from outgate.upstreams.fetched.asking import Answer, Ask, Question, form, fresh, kept, token_in
from outgate.upstreams.fetched.settings import AwsSettings
from outgate.upstreams.renewal import Fresh, RenewalError
from outgate.upstreams.signing import SigningKeys, SigningScope, keys_of

_VERSION = "2011-06-15"
_PARTS = ("AccessKeyId", "SecretAccessKey", "SessionToken")


async def fetch(settings: AwsSettings, environ: Mapping[str, str], ask: Ask, wall: Callable[[], float]) -> Fresh:
    """The keys. Raises RenewalError."""
    return _keys_in(await ask(question(settings, environ, wall)), wall)


def question(settings: AwsSettings, environ: Mapping[str, str], wall: Callable[[], float]) -> Question:
    """What the token service is asked. Raises RenewalError where keys or token cannot be read."""
    fields = {
        "Version": _VERSION,
        "RoleArn": settings.role,
        "RoleSessionName": settings.session_name,
        "DurationSeconds": str(settings.duration),
    }
    url = f"https://{settings.token_service}/"
    if settings.web_identity_token_file:
        token = token_in(settings.web_identity_token_file).reveal()
        return form(url, fields | {"Action": "AssumeRoleWithWebIdentity", "WebIdentityToken": token})
    asked = form(url, fields | {"Action": "AssumeRole", "ExternalId": settings.external_id})
    return replace(asked, keys=_signing(settings, environ, wall))


def _signing(settings: AwsSettings, environ: Mapping[str, str], wall: Callable[[], float]) -> SigningKeys:
    assert settings.access_keys is not None
    keys = keys_of(kept(settings.access_keys, environ).reveal(), SigningScope("sts", settings.region), wall)
    if keys is None:
        raise RenewalError("access_keys are not ACCESS_KEY:SECRET_KEY, nor ACCESS_KEY:SECRET_KEY:SESSION_TOKEN")
    return keys


def _keys_in(answer: Answer, wall: Callable[[], float]) -> Fresh:
    """The keys of an answer, which has no document type: so nothing in it is expanded."""
    if b"<!" in answer.body:
        raise RenewalError("the token service gave no keys")
    try:
        root = ET.fromstring(answer.body)  # noqa: S314 (no document type, and the answer is small)
        found = [root.findtext(f".//{{*}}Credentials/{{*}}{part}", "") for part in _PARTS]
        ends = datetime.fromisoformat(root.findtext(".//{*}Credentials/{*}Expiration", "")).timestamp()
    except (ET.ParseError, ValueError):
        raise RenewalError("the token service gave no keys") from None
    if not all(found) or any(":" in part for part in found):
        raise RenewalError("the token service gave no keys")
    return fresh(":".join(found), ends - wall())
