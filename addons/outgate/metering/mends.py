"""Mends of failed attempts: what an operator looks at, for each reason for which a provider failed (docs/operating.md)."""

from collections.abc import Mapping
from typing import Any

_CREDENTIAL = "the key that the provider refuses is `providers.{0}.credential`: put a valid one in its place"
_FORBIDDEN = "the provider does not let this key do that: its rights, its region or the model, as the provider lists them"
_OWN = "the provider refuses the key that the caller brought along"
_STATUS = "the provider itself fails: see what it says of its state; `stages.model_map.models` may name a second target"
_LIMITED = "the provider limits this key: several `keys` in `providers.{0}.credential`, or a second target in `model_map`"
_SLOW = "the provider is slow or stuck; bounds are `providers.{0}.timeouts`"
_BROKE = "the provider or what stands before it ended the connection: see its state"
_ODD = "what answers there does not speak as the provider should: `providers.{0}.host`, `endpoints`, `dialect`"
_OURS = "the certificate and key of this gateway: `providers.{0}.tls.client_certificate`, `client_key`"
_TLS = "what the provider's port speaks: `providers.{0}.endpoints`, `tls.minimum`, what stands between"
_REACH = "whether the provider runs, and firewalls on the way there: `providers.{0}.endpoints`"
_LOOKUP = "the name in `providers.{0}` and this machine's resolver (/etc/resolv.conf)"

_MENDS = {
    "queue.timed_out": "too many requests at once for `providers.{0}.max_in_flight`",
    "lookup.name_not_found": _LOOKUP,
    "lookup.failed": _LOOKUP,
    "lookup.timed_out": _LOOKUP,
    "lookup.address_not_allowed": "the name leads to an address that is not public: `providers.{0}.allow_addresses`, if meant",
    "connect.refused": "nothing listens there: whether the provider runs, and the port in `providers.{0}.endpoints`",
    "connect.unreachable": _REACH,
    "connect.timed_out": _REACH,
    "connect.failed": _REACH,
    "tls.certificate_expired": "the provider's certificate has ended: it needs another; or this machine's clock is wrong",
    "tls.certificate_not_yet_valid": "the provider's certificate is of the future: this machine's clock, or the certificate",
    "tls.certificate_wrong_name": "the certificate is of another name: `providers.{0}.host`, `tls.sni`, `tls.san`",
    "tls.certificate_unknown_authority": "name the file of the authority that signed its certificate: `providers.{0}.tls.ca`",
    "tls.certificate_revoked": "the provider's certificate stands in `providers.{0}.tls.crl`: it needs another",
    "tls.certificate_not_pinned": "the provider has another key than `providers.{0}.tls.pins`: ask it whether that is right",
    "tls.certificate_invalid": "the provider's certificate is not valid: it needs another",
    "tls.client_certificate_refused": _OURS,
    "tls.files_unusable": "files of `providers.{0}.tls` cannot be read: `outgate check` says which",
    "tls.version_not_agreed": _TLS,
    "tls.not_spoken": _TLS,
    "tls.refused": _TLS,
    "tls.closed": _TLS,
    "tls.timed_out": _TLS,
    "tls.failed": _TLS,
    "head.closed": _BROKE,
    "head.idle_connection_lost": _BROKE,
    "head.malformed": _ODD,
    "head.timed_out": _SLOW,
    "answer.error_status": _STATUS,
    "answer.broken_off": _BROKE,
    "answer.malformed": _ODD,
    "answer.stopped": _SLOW,
    "answer.timed_out": _SLOW,
    "credential.unreadable": "no key can be read from `providers.{0}.credential`: `outgate check --credentials` says why",
    "credential.not_renewed": "the log and `outgate check --credentials` say what cannot be read under `providers.{0}.credential`",
}
"""By reason; those that are the request's own have none. {0} is the provider's name."""

_BY_FAILURE = {"rate_limited": _LIMITED, "forbidden": _FORBIDDEN}
"""By failure, whatever the reason."""


def mend(provider: str, failure: str, reason: str, credential: str = "gateway") -> str:
    """What to look at where an attempt ended in this `failure` for this `reason` (`phase.reason`); empty where there is nothing.

    `credential` is whose went.
    """
    if failure == "unauthorized":
        told = _CREDENTIAL if credential in ("", "gateway") else _OWN
    else:
        told = _BY_FAILURE.get(failure) or _MENDS.get(reason, "")
    return told.format(provider)


def mend_of(attempt: Mapping[str, Any]) -> str:
    """The same for a failed attempt as a closing line tells it."""
    credential, reason = str(attempt.get("credential") or ""), f"{attempt.get('phase')}.{attempt.get('reason')}"
    return mend(str(attempt.get("backend")), str(attempt.get("failure")), reason, credential)
