"""`outgate denied`: what was refused, like with like, and what would allow it, from the audit lines in the state folder."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from outgate.cli.audit_lines import providers_of, read, spoken
from outgate.cli.options import JSON, POLICY, STATE, Age
from outgate.cli.screen import say
from outgate.metering.denied import Group, denied
from outgate.metering.permits import permit


@click.command()
@click.option("--since", "--last", "since", type=Age(), default="1h", show_default=True, help="How far back: 90s, 15m, 6h, 7d.")
@click.option("--workload", help="Only this one.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many groups.")
@POLICY
@STATE
@JSON
def command(*, since: float, workload: str | None, limit: int, file: Path, state: Path, as_json: bool) -> None:
    """List refusals, the most frequent first, and the line of the policy or the command that would let each pass.

    Exit code 1 where the state folder cannot be read.
    """
    lines = (line for line in read(state, last=since) if workload in (None, line.get("outgate.workload")))
    groups, beyond = denied(lines)
    providers = providers_of(file) if groups else {}
    if as_json:
        click.echo(orjson.dumps([_entry(group, providers) for group in groups[:limit]], option=orjson.OPT_INDENT_2))
        return
    total = sum(group.count for group in groups) + beyond
    say([f"{total:,} refused in the last {spoken(since)}" + (f", {len(groups)} kind{'s' * (len(groups) > 1)}" if groups else "")])
    for group in groups[:limit]:
        say(["", *_told(group, providers)], hang=12)
    left = total - sum(group.count for group in groups[:limit])
    say(["", f"{left:,} more of other kinds: --limit"] if left else [])


def _told(group: Group, providers: dict[str, str]) -> list[str]:
    line = group.line
    cause = f" ({line['outgate.denial.cause']})" if line.get("outgate.denial.cause") else ""
    code, stage = line.get("outgate.denial.code") or "of many kinds", line.get("outgate.denial.stage")
    allowed = permit(line, providers)
    rows = [
        ("who", _who(group)),
        ("asked", _asked(line)),
        ("when", _when(group)),
        ("to allow", str(allowed or "")),
        ("see", f"outgate why {line.get('id')}"),
    ]
    times = "once" if group.count == 1 else f"{group.count:,} times"
    head = f"{times} {code}{f' by {stage}' if stage else ''}{cause}"
    return [head, *(f"  {name:<10}{text}" for name, text in rows if text)]


def _who(group: Group) -> str:
    line, peers = group.line, sorted(group.peers)
    presented = f"nobody known, as {line['presented.name']!r}" if line.get("presented.name") else "nobody known"
    more = f" and {len(peers) - 1} more" if len(peers) > 1 else ""
    return str(line.get("outgate.workload") or presented) + (f", from {peers[0]}{more}" if peers else "")


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


def _entry(group: Group, providers: dict[str, str]) -> dict[str, Any]:
    allowed = permit(group.line, providers)
    told = {name: value for name, value in group.line.items() if isinstance(value, str) and name not in ("event", "outcome")}
    return told | {
        "count": group.count,
        "first": group.first,
        "last": group.last,
        "clients": sorted(group.peers),
        "permit": allowed._asdict() if allowed is not None else None,
    }
