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
from outgate.identity.workloads import ENDS_SOON
from outgate.metering.mends import mend
from outgate.metering.words import plural

_SERIES = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_NAME = "name the address of `outgate run --admin` with --admin"
_SECONDS = 10.0
_DAY = 86400.0
_OF_CREDENTIALS = {
    "credential_unreadable": "its credential CANNOT BE READ",
    "credential_not_renewed": "its last credential is used on, for it could not be read again",
}

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
    warned = {(name, unquote(of)): share for (name, of), share in series["outgate_budget_warned"].items()}
    return {
        "serves": serves,
        "ready": words,
        "starting": words.endswith(", starting"),
        "policy": {revision: int(count) for (revision,), count in series["outgate_policy_info"].items() if count},
        "policy_refused": int(sum(series["outgate_policy_refused"].values())),
        "workers": {state: int(count) for (state,), count in workers.items()},
        "model_server": model_server,
        "connections": int(sum(series["outgate_connections"].values())),
        "in_flight": int(sum(series["outgate_exchanges_in_flight"].values())),
        "certificate_expires": next(iter(series["outgate_certificate_expires_seconds"].values()), None),
        "providers": _providers(series),
        "budgets": [
            {"budget": name, "of": of, **states, "warned_at": warned.get((name, of), 0.0)} for (name, of), states in budgets.items()
        ],
    }


def _providers(series: Series) -> list[dict[str, Any]]:
    """What fails, and what answers again, the longest failing first. Times are seconds since 1970."""
    found = []
    for place, failing in series["outgate_backend_failing"].items():
        seconds = {at: series["outgate_backend_failing_seconds"].get((*place, at), 0.0) for at in ("since", "last", "answered")}
        counts = {
            result: int(series["outgate_backend_failing_attempts"].get((*place, result), 0)) for result in ("failed", "answered")
        }
        backend, endpoint, failure, reason, status = place
        names = {"backend": backend, "endpoint": endpoint, "failure": failure, "reason": reason, "status": status}
        times = {"since": seconds["since"], "last": seconds["last"], "answers_since": seconds["answered"] or None}
        told = {"failing": bool(failing), **names, **times, **counts}
        found.append(told | {"mend": mend(backend, failure, reason)})
    return sorted(found, key=lambda each: (not each["failing"], each["since"]))


def _show(admin: str, told: Mapping[str, Any]) -> None:
    revisions = ", ".join(f"{revision} ({count:,} {plural('worker', count)})" for revision, count in told["policy"].items())
    refused = told["policy_refused"]
    starts, links, asked = told["starting"], told["connections"], told["in_flight"]
    rows = [
        ("policy", revisions or ("not read yet" if starts else "none")),
        (
            "refused",
            f"the policy on disk is refused by {refused:,} {plural('worker', refused)}: `outgate check FILE` says why, and the log"
            * bool(refused),
        ),
        ("workers", f"{told['workers'].get('ready', 0)} of {told['workers'].get('configured', 0)} ready"),
        ("models", "" if starts else f"model server {told['model_server']}"),
        ("clients", f"{links:,} {plural('connection', links)}, {asked:,} {plural('request', asked)} in flight"),
        ("authority", _expiry(told["certificate_expires"])),
    ]
    serves = "serves" if told["serves"] else "is starting, and does not serve yet" if starts else "does not serve"
    say([f"outgate at {admin} {serves}: {told['ready']}"])
    rows += [("provider", _provider(each)) for each in told["providers"]] or [("providers", "none fails")] * told["serves"]
    say([f"  {name:<11}{text}" for name, text in rows if text], hang=13)
    if told["budgets"]:
        heads = ("budget", "of", "used", "held", "left", "used %", "")
        say(["", *table(heads, [_budget(each) for each in told["budgets"]], 2)])


def _provider(each: Mapping[str, Any]) -> str:
    """`openai FAILS: 401 since 03:12:40, 12 of 12 attempts, last 03:16:02 UTC; to mend: …`."""
    name, since = each["backend"], f"since {_clock(each['since'])}"
    if each["failure"] in _OF_CREDENTIALS:
        told = f"{name}: {_OF_CREDENTIALS[each['failure']]} {since} UTC"
    else:
        how = each["status"] or each["reason"].rpartition(".")[2].replace("_", " ")
        attempts = f"{each['failed']:,} of {each['failed'] + each['answered']:,} attempts, last {_clock(each['last'])} UTC"
        told = f"{how} at {each['endpoint']} {since}, {attempts}"
        if not each["failing"]:
            return f"{name} answers again since {_clock(each['answers_since'])}; it failed: {told}"
        told = f"{name} FAILS: {told}"
    return told + (f"; to mend: {each['mend']}" if each["mend"] else "")


def _clock(at: float) -> str:
    then = datetime.fromtimestamp(at, UTC)
    return f"{then:%H:%M:%S}" if then.date() == datetime.now(UTC).date() else f"{then:%Y-%m-%d %H:%M:%S}"


def _budget(each: Mapping[str, Any]) -> tuple[str, ...]:
    used, held, left = (each.get(state, 0) for state in ("used", "held", "left"))
    tokens = used + held + left
    share = f"{100 * used / tokens:.0f}" if tokens else "-"
    return (
        each["budget"],
        each["of"] or "all",
        f"{used:,}",
        f"{held:,}",
        f"{left:,}",
        share,
        f"past {each['warned_at']:.0%}" if each["warned_at"] else "",
    )


def _expiry(at: float | None) -> str:
    if at is None:
        return "its certificate cannot be read"
    end = datetime.fromtimestamp(at, UTC)
    seconds = (end - datetime.now(UTC)).total_seconds()
    if seconds <= 0:
        return f"EXPIRED on {end:%Y-%m-%d}: `outgate ca init --force`"
    soon = ", ENDS SOON: `outgate ca init --force`, and give it to workloads" if seconds < ENDS_SOON else ""
    return f"valid until {end:%Y-%m-%d}, {seconds / _DAY:.0f} days{soon}"
