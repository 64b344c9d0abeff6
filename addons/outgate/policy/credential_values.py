"""Convert the settings of a credential to a reference: paths from the policy's folder, and the hosts that may be called."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from outgate.errors import Problem
from outgate.pipeline.stage import Settings
from outgate.policy.credential_settings import CredentialSection, KeySection
from outgate.policy.files import at
from outgate.upstreams.catalog import Backend, CredentialReference, Grant, KeySource
from outgate.upstreams.fetched.hosts import hosts_of, place_of
from outgate.upstreams.fetched.settings import KeptSettings
from outgate.upstreams.signing import SigningScope

_FILES = frozenset({"file", "assertion_file", "federated_token_file", "web_identity_token_file"})


def credential_of(section: CredentialSection | None, folder: Path, own: Mapping[str, Backend]) -> CredentialReference | None:
    """The reference; `own` are the policy's providers by `host:port`, without their credentials."""
    if section is None:
        return None
    scope = SigningScope(section.sigv4.service, section.sigv4.region) if section.sigv4 is not None else None
    keys = tuple(KeySource(**_source(key, folder, own)) for key in section.keys)
    return CredentialReference(
        **_source(section, folder, own), keys=keys, rest=section.rest, header=section.header, prefix=section.prefix, sigv4=scope
    )


def _source(section: KeySection, folder: Path, own: Mapping[str, Backend]) -> dict[str, Any]:
    fetched = section.oauth or section.google or section.azure or section.aws
    return {
        "env": section.env,
        "file": at(folder, section.file),
        "directory": at(folder, section.directory),
        "command": section.command,
        "every": section.every,
        "grant": Grant(settings=_placed(fetched, folder), hosts=hosts_of(fetched, own)) if fetched is not None else None,
    }


def token_url_problem(name: str, section: CredentialSection | None, own: Mapping[str, Backend]) -> Problem | None:
    """A token endpoint that would be asked by another scheme than the policy's provider of its host has."""
    urls = [each.oauth.token_url for each in (section, *section.keys) if each.oauth is not None] if section is not None else []
    for url in urls:
        known = own.get(place_of(url))
        if url.startswith("https:") != (known is None or known.tls.enabled):
            message = f"the token_url of provider {name!r} has another scheme than its host is called by"
            repair = "write https; http only for a host that is a provider of the policy with `tls: {enabled: false}`"
            return Problem(code="E_TOKEN_URL", message=message, repair=repair)
    return None


def _placed[T: Settings](settings: T, folder: Path) -> T:
    """The same settings with their paths from this folder."""
    placed: dict[str, Any] = {name: at(folder, getattr(settings, name)) for name in _FILES & type(settings).model_fields.keys()}
    for name in type(settings).model_fields:
        if isinstance(kept := getattr(settings, name), KeptSettings):
            placed[name] = _placed(kept, folder)
    return settings.model_copy(update=placed)
