"""`outgate status`: ask the running gateway how it is: policy, workers, budgets, certificate, connections."""

import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import unquote
from urllib.request import ProxyHandler, build_opener

import click

from outgate.cli.options import ADMIN, JSON
from outgate.cli.run import address_of
from outgate.cli.screen import say, table

_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_NAME = "name the address of `outgate run --admin` with --admin"
_SECONDS = 10.0
_DAY = 86400.0

type Series = Mapping[str, dict[tuple[str, ...], float]]


@click.command()
@ADMIN
@JSON
def command(*, admin: str, as_json: bool) -> None:
    """Say how the gateway is that runs here. Exit code 1 where it does not serve, or does not answer."""
    address_of(admin)
    ready, words = _get(admin, "/readyz")
    series = _parsed(_get(admin, "/metrics")[1])
    if "outgate_workers" not in series:
        raise click.ClickException(f"what answers at {admin} is no outgate; {_NAME}")
    told = _status(series, words.strip(), serves=ready)
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        _show(admin, told)
    sys.exit(0 if ready else 1)


def _get(admin: str, path: str) -> tuple[bool, str]:
    """Whether it is well, and the text. The environment's proxy is not asked. Raises ClickException."""
    try:
        with build_opener(ProxyHandler({})).open(f"http://{admin}{path}", timeout=_SECONDS) as answer:
            return True, answer.read().decode(errors="replace")
    except HTTPError as error:
        return False, error.read().decode(errors="replace")
    except HTTPException as error:
        raise click.ClickException(f"what answers at {admin} is no outgate; {_NAME}") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise click.ClickException(f"no gateway answers at {admin} ({reason}); {_NAME}") from error


def _parsed(text: str) -> Series:
    """Samples by name and labels, in the order in which they stand; what is no sample is passed over."""
    found: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for series in filter(None, map(_SERIES.match, text.splitlines())):
        labels = tuple(value for _, value in _LABEL.findall(series[2] or ""))
        with suppress(ValueError):
            found[series[1]][labels] = float(series[3])
    return found


def _status(series: Series, words: str, *, serves: bool) -> dict[str, Any]:
    workers = series["outgate_workers"]
    model_server = "up" if sum(series["outgate_model_server_up"].values()) else "down" if "model server" in words else "not needed"
    budgets: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for (name, of, state), tokens in series["outgate_budget_tokens"].items():
        budgets[name, unquote(of)][state] = int(tokens)
    return {
        "serves": serves,
        "ready": words,
        "policy": {revision: int(count) for (revision,), count in series["outgate_policy_info"].items() if count},
        "policy_refused": int(sum(series["outgate_policy_refused"].values())),
        "workers": {state: int(count) for (state,), count in workers.items()},
        "model_server": model_server,
        "connections": int(sum(series["outgate_connections"].values())),
        "in_flight": int(sum(series["outgate_exchanges_in_flight"].values())),
        "certificate_expires": next(iter(series["outgate_certificate_expires_seconds"].values()), None),
        "budgets": [{"budget": name, "of": of, **states} for (name, of), states in budgets.items()],
    }


def _show(admin: str, told: Mapping[str, Any]) -> None:
    revisions = ", ".join(f"{revision} ({_workers(count)})" for revision, count in told["policy"].items())
    refused = told["policy_refused"]
    rows = [
        ("policy", revisions or "none"),
        (
            "refused",
            f"the policy on disk is refused by {_workers(refused)}: `outgate check` says why" * bool(refused),
        ),
        ("workers", f"{told['workers'].get('ready', 0)} of {told['workers'].get('configured', 0)} ready"),
        ("models", f"model server {told['model_server']}"),
        ("clients", f"{told['connections']:,} connections, {told['in_flight']:,} requests in flight"),
        ("authority", _expiry(told["certificate_expires"])),
    ]
    say([f"outgate at {admin} {'serves' if told['serves'] else 'does not serve'}: {told['ready']}"])
    say([f"  {name:<11}{text}" for name, text in rows if text], hang=13)
    if told["budgets"]:
        heads = ("budget", "of", "used", "held", "left", "used %")
        say(["", *table(heads, [_budget(each) for each in told["budgets"]], 2)])


def _budget(each: Mapping[str, Any]) -> tuple[str, ...]:
    used, held, left = (each.get(state, 0) for state in ("used", "held", "left"))
    tokens = used + held + left
    share = f"{100 * used / tokens:.0f}" if tokens else "-"
    return (each["budget"], each["of"] or "all", f"{used:,}", f"{held:,}", f"{left:,}", share)


def _workers(count: int) -> str:
    return f"{count} worker" if count == 1 else f"{count} workers"


def _expiry(at: float | None) -> str:
    if at is None:
        return "its certificate cannot be read"
    end = datetime.fromtimestamp(at, UTC)
    days = (end - datetime.now(UTC)).total_seconds() / _DAY
    return f"valid until {end:%Y-%m-%d}, {days:.0f} days" if days > 0 else f"EXPIRED on {end:%Y-%m-%d}: `outgate ca init --force`"
