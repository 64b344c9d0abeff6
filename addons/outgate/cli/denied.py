"""`outgate denied`: what was refused, what providers failed at, like with like, and what mends it, from the audit lines."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from outgate.cli.audit_lines import names_of, read, spoken
from outgate.cli.misspelt import there_is_no
from outgate.cli.options import JSON, POLICY, STATE, Age
from outgate.cli.screen import say
from outgate.metering.denied import Group, denied
from outgate.metering.meant import Names, meant
from outgate.metering.mends import mend_of
from outgate.metering.permits import permit
from outgate.metering.words import caller


@click.command()
@click.option("--since", "--last", "since", type=Age(), default="1h", show_default=True, help="How far back: 90s, 15m, 6h, 7d.")
@click.option("--workload", help="Only this one.")
@click.option("--failed", is_flag=True, help="Only what a provider failed at.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many groups.")
@POLICY
@STATE
@JSON
def command(*, since: float, workload: str | None, failed: bool, limit: int, file: Path, state: Path, as_json: bool) -> None:
    """List refusals, the most frequent first, and the line of the policy or the command that would let each pass.

    Then what providers failed at, for which callers got an error, and what to mend.

    Exit code 1 where the state folder cannot be read.
    """
    lines = (line for line in read(state, last=since) if workload in (None, line.get("outgate.workload")))
    groups, beyond = denied(lines)
    groups = [group for group in groups if group.attempt is not None] if failed else groups
    names = names_of(file) if groups or workload else Names()
    if as_json:
        click.echo(orjson.dumps([_entry(group, names) for group in groups[:limit]], option=orjson.OPT_INDENT_2))
        return
    counts = [sum(group.count for group in groups if (group.attempt is not None) is kind) for kind in (False, True)]
    refused = [] if failed else [f"{counts[0] + beyond:,} refused"]
    kinds = f", {len(groups)} kind{'s' * (len(groups) > 1)}" if groups else ""
    say([f"{', '.join([*refused, f'{counts[1]:,} failed at a provider'])} in the last {spoken(since)}{kinds}"])
    if workload and not groups and names.workloads and workload not in names.workloads:
        say([there_is_no("workload", workload, names.workloads, str(file))])
    for group in groups[:limit]:
        say(["", *(_told(group, names) if group.attempt is None else _failed(group, group.attempt))], hang=12)
    left = sum(counts) + beyond * (not failed) - sum(group.count for group in groups[:limit])
    say(["", f"{left:,} more of other kinds: --limit"] if left else [])


def _failed(group: Group, attempt: Mapping[str, Any]) -> list[str]:
    """One kind of failure of a provider, and what to mend."""
    line, names = group.line, sorted(group.workloads)
    where = "/".join(filter(None, (str(attempt.get(name) or "") for name in ("backend", "endpoint"))))
    reason = ".".join(filter(None, (str(attempt.get(name) or "") for name in ("phase", "reason"))))
    reason = f"{reason} {attempt['status']}" if attempt.get("status") else reason
    got = " ".join(str(line[name]) for name in ("http.response.status_code", "outgate.denial.code") if line.get(name))
    rows = [
        ("who", ", ".join([*names[:5], f"{len(names) - 5} more"] if len(names) > 5 else names)),
        ("asked", _asked(line)),
        ("when", _when(group)),
        ("to mend", mend_of(attempt)),
        ("see", f"outgate why {line.get('id')}"),
    ]
    return _block(group, f"FAILED at {where or 'a provider'}: {reason or 'unknown'}; callers got {got}", rows)


def _told(group: Group, names: Names) -> list[str]:
    line = group.line
    cause = f" ({line['outgate.denial.cause']})" if line.get("outgate.denial.cause") else ""
    code, stage = line.get("outgate.denial.code") or "of many kinds", line.get("outgate.denial.stage")
    allowed, near = (str(each or "") for each in (permit(line, names.providers), meant(line, names)))
    rows = [
        ("who", _who(group)),
        ("asked", _asked(line)),
        ("when", _when(group)),
        ("meant", near),
        ("to allow", f"else {allowed}" if near and allowed else allowed),
        ("see", f"outgate why {line.get('id')}"),
    ]
    return _block(group, f"{code}{f' by {stage}' if stage else ''}{cause}", rows)


def _block(group: Group, what: str, rows: list[tuple[str, str]]) -> list[str]:
    times = "once" if group.count == 1 else f"{group.count:,} times"
    return [f"{times} {what}", *(f"  {name:<10}{text}" for name, text in rows if text)]


def _who(group: Group) -> str:
    line, peers = group.line, sorted(group.peers)
    more = f" and {len(peers) - 1} more" if len(peers) > 1 else ""
    return caller(line) + (f", from {peers[0]}{more}" if peers else "")


def _asked(line: Any) -> str:
    asked, called = line.get("outgate.model.requested"), line.get("gen_ai.request.model")
    parts = (
        " ".join(str(line[name]) for name in ("http.request.method", "url.path") if line.get(name)),
        f"at {line['server.address']}" if line.get("server.address") else "",
        f"model {asked}" if asked else "",
        f"called as {called}" if called and called != asked else "",
    )
    return ", ".join(filter(None, parts))


def _when(group: Group) -> str:
    first, last = (datetime.fromtimestamp(at, UTC) for at in (group.first, group.last))
    until = f" to {last:%H:%M:%S}" if last.date() == first.date() else f" to {last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S}{until if int(group.last) != int(group.first) else ''} UTC"


def _entry(group: Group, names: Names) -> dict[str, Any]:
    refused = group.attempt is None
    allowed, near = (permit(group.line, names.providers), meant(group.line, names)) if refused else (None, None)
    told = {name: value for name, value in group.line.items() if isinstance(value, str) and name not in ("event", "outcome")}
    return told | {
        "count": group.count,
        "first": group.first,
        "last": group.last,
        "clients": sorted(group.peers),
        "failed": dict(group.attempt) if group.attempt is not None else None,
        "mend": mend_of(group.attempt) if group.attempt is not None else None,
        "meant": near.name if near is not None else None,
        "permit": allowed._asdict() if allowed is not None else None,
    }
