"""Enforce the mitmproxy options that the gateway depends on.

Every one of them, set otherwise, opens a way around the plan (promises M1 to M19): raw tunnels, early upstream connections,
streamed bodies, rewriting addons. They are set on load and checked whenever options change; one that somebody set otherwise is
never corrected silently, it ends the program.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from outgate.proxy.internals import Options, exceptions

REQUIRED: dict[str, Any] = {
    "allow_hosts": [],
    "anticache": False,
    "anticomp": False,
    "block_list": [],
    "body_size_limit": None,  # the exchange has its own limit, and answers in the caller's dialect
    "client_replay": [],
    "connection_strategy": "lazy",
    "emudhra": False,  # would sign with a CA key that everybody knows
    "emudhra_old": False,
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
_LOCAL = "127.0.0.1"
_MODES = ("regular", "transparent", "gateway", "gatewaytransparent")
_TLS_MINIMA = ("TLS1_2", "TLS1_3")


def harden(options: Options, said: Sequence[str] = ()) -> None:
    """Set every required option of this mitmproxy program that nobody has set. `said` is the command line."""
    spoken = dict(_spoken(said))
    free = [name for name, value in REQUIRED.items() if name in options and spoken.get(name, _text(value)) == _text(value)]
    options.update(**{name: REQUIRED[name] for name in free if getattr(options, name) == options.default(name)})


def keep_local(options: Options, said: Sequence[str] = ()) -> bool:
    """Listen on this machine alone, where nobody has said on which address: stock mitmproxy would on all. True where it does."""
    named = {word.partition("=")[0] for word in said} | {_set_option(word, following) for word, following in pairwise((*said, ""))}
    unsaid = options.listen_host == options.default("listen_host") and named.isdisjoint({"--listen-host", "listen_host"})
    if unsaid:
        options.update(listen_host=_LOCAL)
    return unsaid


def deviations(options: Options, said: Sequence[str] = ()) -> Iterable[str]:
    """The options that are not what they must be, each with the value it must have."""
    spoken = dict(_spoken(said))
    for name, value in REQUIRED.items():
        if name in options and (getattr(options, name) != value or spoken.get(name, _text(value)) != _text(value)):
            yield f"{name} must be {value!r}"
    for mode in options.mode:
        if mode.partition("@")[0] not in _MODES:
            yield f"mode must be regular or transparent, not {mode!r}"
    for name in ("tls_version_client_min", "tls_version_server_min"):
        if name in options and getattr(options, name) not in _TLS_MINIMA:
            yield f"{name} must be TLS1_2 or TLS1_3"


def insist(options: Options, report: Callable[[str], None], said: Sequence[str] = ()) -> None:
    """Raise OptionsError, naming every option, when one is not what it must be."""
    wrong = list(deviations(options, said))
    if wrong:
        message = "outgate refuses to run: " + "; ".join(wrong)
        report(message)
        raise exceptions.OptionsError(message)


def _spoken(said: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The required options that a command line names, and the values it gives: where a value is mitmproxy's default, only the
    command line tells whether somebody asked for it.
    """
    for word, following in pairwise((*said, "")):
        if name := _set_option(word, following):
            value = (following if word == "--set" else word[6:]).partition("=")[2]
            text = value or _text(REQUIRED.get(name) is not None)
        elif word.startswith("--"):
            flag = word[2:].partition("=")[0].replace("-", "_")
            name, text = flag.removeprefix("no_"), _text(not flag.startswith("no_"))
        else:
            continue
        if isinstance(REQUIRED.get(name), bool | str):
            yield name, text.lower()


def _set_option(word: str, following: str) -> str:
    """The option that `--set NAME=VALUE` or `--set=NAME=VALUE` sets; empty where the word is none of them."""
    setting = following if word == "--set" else word[6:] if word.startswith("--set=") else ""
    return setting.partition("=")[0]


def _text(value: object) -> str:
    return str(value).lower()
