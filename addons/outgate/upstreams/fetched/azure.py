"""An access token of Microsoft Entra ID: client credentials at its login server, or the managed identity of the machine.

The second is the Azure Instance Metadata Service, version 2018-02-01 of its token endpoint.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

from outgate.upstreams.fetched import oauth
from outgate.upstreams.fetched.asking import Ask, Question, token_of
from outgate.upstreams.fetched.settings import AzureSettings
from outgate.upstreams.renewal import Fresh

_VERSION = "2018-02-01"


async def fetch(settings: AzureSettings, environ: Mapping[str, str], ask: Ask) -> Fresh:
    """The token. Raises RenewalError."""
    return token_of(await ask(question(settings, environ)))


def question(settings: AzureSettings, environ: Mapping[str, str]) -> Question:
    """What is asked. Raises RenewalError where a secret cannot be read."""
    if not settings.managed_identity:
        return oauth.question(settings.oauth(), environ)
    asked = {"api-version": _VERSION, "resource": settings.resource}
    if settings.client_id:
        asked["client_id"] = settings.client_id
    return Question(f"http://169.254.169.254/metadata/identity/oauth2/token?{urlencode(asked)}", headers=(("metadata", "true"),))
