"""Hosts that a source of credentials may call: the policy's provider of that name, else the issuer's own name and public roots.

A metadata server is one address, opened for the source that names it and for nobody else.
"""

from collections.abc import Mapping
from ipaddress import ip_network
from urllib.parse import urlsplit

from outgate.upstreams.catalog import Backend, Endpoint, TlsSettings
from outgate.upstreams.fetched.settings import AwsSettings, AzureSettings, FetchedSettings, GoogleSettings

_GOOGLE = ("oauth2.googleapis.com", "sts.googleapis.com", "iamcredentials.googleapis.com")
_GOOGLE_METADATA, _METADATA = "metadata.google.internal", "169.254.169.254"


def hosts_of(settings: FetchedSettings, own: Mapping[str, Backend]) -> tuple[Backend, ...]:
    """The hosts as backends; `own` are those of the policy, by `host:port`."""
    return tuple(own.get(place) or _public(place) for place in _places(settings))


def _places(settings: FetchedSettings) -> tuple[str, ...]:
    if isinstance(settings, GoogleSettings):
        machine = () if settings.file else (f"{_GOOGLE_METADATA}:80",)
        return (*machine, *(f"{host}:443" for host in (*_GOOGLE, *settings.hosts)))
    if isinstance(settings, AzureSettings):
        return (f"{_METADATA}:80",) if settings.managed_identity else (f"{settings.authority}:443",)
    if isinstance(settings, AwsSettings):
        return (f"{settings.token_service}:443",)
    return (place_of(settings.token_url),)


def place_of(url: str) -> str:
    """The `host:port` of a URL."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def _public(place: str) -> Backend:
    host, _, port = place.rpartition(":")
    metadata = host in (_GOOGLE_METADATA, _METADATA)
    return Backend(
        name=host,
        provider=host,
        dialect="none",
        host=host,
        port=int(port),
        tls=TlsSettings(enabled=not metadata),
        endpoints=(Endpoint(name=host, host=_METADATA if metadata else host, port=int(port)),),
        allow_addresses=(ip_network(f"{_METADATA}/32"),) if metadata else (),
    )
