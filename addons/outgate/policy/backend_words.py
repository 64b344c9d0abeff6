"""The words of Gateway API's `XBackend` (GEP-4894) in a provider, turned into ours before anything is judged.

| Gateway API | here |
|---|---|
| `externalHostname.hostname` | `host` |
| `failureMode: FailClosed` | what always holds; `FailOpen` is refused |
| `tls.mode: None` | `tls.enabled: false` |
| `tls.mode: ServerOnly`, `ClientAndServer` | without, with `client_certificate` and `client_key` |
| `tls.validation.hostname` | `tls.sni` |
| `tls.validation.subjectAltNames` | `tls.san` |
| `tls.validation.caCertificateRefs` | `tls.ca`: `name` is a file |
| `tls.validation.wellKnownCACertificates: System` | no `tls.ca` |
"""

from typing import Any

_HOST, _FAILURE, _MODE, _VALIDATION = "externalHostname", "failureMode", "mode", "validation"
_MODES = ("None", "ServerOnly", "ClientAndServer")
_SYSTEM = "wellKnownCACertificates"


def provider_schema(schema: dict[str, Any]) -> None:
    """Let editors know the words of a provider."""
    schema["properties"][_HOST] = {"type": "object", "description": "Gateway API: `hostname` is `host`"}
    schema["properties"][_FAILURE] = {"const": "FailClosed", "description": "Gateway API: what always holds"}
    schema["required"] = [name for name in schema.get("required", ()) if name != "host"]


def tls_schema(schema: dict[str, Any]) -> None:
    """Let editors know the words of a `tls` section."""
    schema["properties"][_MODE] = {"enum": list(_MODES), "description": "Gateway API: `enabled`, and a client certificate"}
    schema["properties"][_VALIDATION] = {"type": "object", "description": "Gateway API: `sni`, `san` and `ca`"}


def provider_words(written: Any) -> Any:
    """A provider in our words alone. Raises ValueError where both say the same, or one cannot be kept."""
    if not isinstance(written, dict) or not {_HOST, _FAILURE} & written.keys():
        return written
    ours = {name: value for name, value in written.items() if name not in (_HOST, _FAILURE)}
    if _HOST in written:
        found = _only(written[_HOST], _HOST, ("hostname",))
        _put(ours, "host", found.get("hostname"), f"{_HOST}.hostname")
    if written.get(_FAILURE, "FailClosed") != "FailClosed":
        raise ValueError(
            "a provider fails closed; a guard that may fail open says so itself: `on_error: open` under external_guard"
        )
    return ours


def tls_words(written: Any) -> Any:
    """A `tls` section in our words alone. Raises ValueError as `provider_words`."""
    if not isinstance(written, dict) or not {_MODE, _VALIDATION} & written.keys():
        return written
    ours = {name: value for name, value in written.items() if name not in (_MODE, _VALIDATION)}
    if _MODE in written:
        _take_mode(ours, written[_MODE])
    known = ("hostname", "subjectAltNames", "caCertificateRefs", _SYSTEM)
    found = _only(written.get(_VALIDATION, {}), f"tls.{_VALIDATION}", known)
    if found.get(_SYSTEM, "System") != "System" or (_SYSTEM in found and "caCertificateRefs" in found):
        raise ValueError(f"{_SYSTEM} is `System`, and stands without caCertificateRefs")
    for theirs, own, value in (
        ("hostname", "sni", found.get("hostname")),
        ("subjectAltNames", "san", _names(found.get("subjectAltNames"))),
        ("caCertificateRefs", "ca", _references(found.get("caCertificateRefs"))),
    ):
        if theirs in found:
            _put(ours, own, value, f"validation.{theirs}")
    return ours


def _take_mode(ours: dict[str, Any], mode: Any) -> None:
    if mode not in _MODES:
        raise ValueError("mode is one of None (quoted: YAML reads `None` as text), ServerOnly and ClientAndServer")
    _put(ours, "enabled", mode != "None", _MODE)
    shows = bool(ours.get("client_certificate"))
    if shows != (mode == "ClientAndServer") and (shows or mode == "ClientAndServer"):
        raise ValueError("mode: ClientAndServer comes with client_certificate and client_key, any other mode without")


def _put(ours: dict[str, Any], name: str, value: Any, theirs: str) -> None:
    if name in ours:
        raise ValueError(f"`{theirs}` and `{name}` say the same: write one of them")
    ours[name] = value


def _only(value: Any, name: str, known: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(value, dict) or not value.keys() <= set(known):
        raise ValueError(f"`{name}` has these keys: {', '.join(known)}")
    return value


def _names(listed: Any) -> Any:
    """Names of certificates: `{type: Hostname, hostname: …}` or `{type: URI, uri: …}`."""
    if listed is None:
        return None
    if not isinstance(listed, list):
        listed = [listed]
    names = [each.get("uri" if each.get("type") == "URI" else "hostname") for each in listed if isinstance(each, dict)]
    if len(names) != len(listed) or not all(isinstance(name, str) for name in names):
        raise ValueError("subjectAltNames are `{type: Hostname, hostname: NAME}` or `{type: URI, uri: URI}`")
    return names


def _references(listed: Any) -> Any:
    """Files of certificates: `{name: FILE}`."""
    if listed is None:
        return None
    names = [each.get("name") for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if not names or len(names) != len(listed) or not all(isinstance(name, str) for name in names):
        raise ValueError("caCertificateRefs are `{name: FILE}`, a path from the policy's folder")
    return names
