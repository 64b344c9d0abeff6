"""Which mitmproxy options the gateway depends on, and what they must be.

Every one of them, set otherwise, opens a way around the plan (promises M1 to M19): raw tunnels, early upstream connections,
streamed bodies, rewriting addons. They are set on load and checked whenever options change.
"""

from collections.abc import Callable, Iterable
from typing import Any

from mitmproxy import exceptions
from mitmproxy.options import Options

REQUIRED: dict[str, Any] = {
    "allow_hosts": [],
    "anticache": False,
    "anticomp": False,
    "block_list": [],
    "body_size_limit": None,  # the exchange has its own limit, and answers in the caller's dialect
    "connection_strategy": "lazy",
    "http2": True,
    "http3": False,
    "ignore_hosts": [],
    "map_local": [],
    "map_remote": [],
    "modify_body": [],
    "modify_headers": [],
    "onboarding": False,
    "proxyauth": None,
    "rawtcp": False,
    "request_client_cert": False,
    "server_replay": [],
    "ssl_insecure": False,
    "stickyauth": None,
    "stickycookie": None,
    "store_streamed_bodies": False,
    "stream_large_bodies": None,
    "tcp_hosts": [],
    "udp_hosts": [],
    "upstream_auth": None,
    "upstream_cert": False,
    "validate_inbound_headers": True,
    "websocket": False,
}
_MODES = ("regular", "transparent", "gateway", "gatewaytransparent")
_TLS_MINIMA = ("TLS1_2", "TLS1_3")


def harden(options: Options) -> None:
    """Set every required option that exists in this mitmproxy program."""
    known = {name: value for name, value in REQUIRED.items() if name in options}
    options.update(**known)


def deviations(options: Options) -> Iterable[str]:
    """The options that are not what they must be, each with the value it must have."""
    for name, value in REQUIRED.items():
        if name in options and getattr(options, name) != value:
            yield f"{name} must be {value!r}"
    for mode in options.mode:
        if mode.partition("@")[0] not in _MODES:
            yield f"mode must be regular or transparent, not {mode!r}"
    for name in ("tls_version_client_min", "tls_version_server_min"):
        if name in options and getattr(options, name) not in _TLS_MINIMA:
            yield f"{name} must be TLS1_2 or TLS1_3"


def insist(options: Options, report: Callable[[str], None]) -> None:
    """Raise OptionsError, naming every option, when one is not what it must be."""
    wrong = list(deviations(options))
    if wrong:
        message = "outgate refuses to run: " + "; ".join(wrong)
        report(message)
        raise exceptions.OptionsError(message)
