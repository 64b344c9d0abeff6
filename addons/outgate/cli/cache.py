"""`outgate cache`: list and drop cached answers, while the gateway runs. Neither questions nor answers are ever shown."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from outgate.answers.calibration import calibration
from outgate.answers.file import FILE, AnswerFile
from outgate.answers.selecting import Selection, Shown, drop, reset_bounds, selected, status
from outgate.cli.options import JSON, STATE, UNITS, Age

_SHOW = 20

_SELECTION = (
    click.option("--key", default="", metavar="HEX", help="How the key begins."),
    click.option("--request", default="", metavar="ID", help="The request that stored it, as `outgate why` names it."),
    click.option("--tag", default="", help="One of the entry's tags."),
    click.option("--model", default="", help="The routed model."),
    click.option("--tenant", default=""),
    click.option("--revision", default="", help="How the policy's revision begins."),
    click.option("--older", type=Age(), help="Stored at least so long ago: 90s, 15m, 6h, 7d."),
    click.option("--newer", type=Age(), help="Stored less long ago."),
)


def _selecting[F: Callable[..., Any]](command: F) -> F:
    for option in reversed(_SELECTION):
        command = option(command)
    return command


@click.group()
def command() -> None:
    """List and drop cached answers, and show what holds the error of similar ones."""


@command.command("ls")
@_selecting
@STATE
@JSON
@click.option("--limit", type=int, default=100, show_default=True, help="At most so many, latest used first.")
def list_entries(*, state: Path, as_json: bool, limit: int, **selection: Any) -> None:
    """List entries: key, age, size, tenant, workload, model, kind, revision, the request that stored it, tags."""
    with _opened(state) as (_, db):
        for entry in islice(selected(db, Selection(**selection), time.time()), limit):
            click.echo(orjson.dumps(entry._asdict()) if as_json else _line(entry))


@command.command("drop")
@_selecting
@STATE
@JSON
@click.option("--all", "everything", is_flag=True, help="Mean every entry; needed where nothing else is given.")
@click.option("--yes", is_flag=True, help="Drop them; without it nothing is changed.")
def drop_entries(*, state: Path, as_json: bool, everything: bool, yes: bool, **selection: Any) -> None:
    """Drop entries in every worker at once. Without --yes, say what would be dropped."""
    meant = Selection(**selection)
    if everything == (meant != Selection()):
        raise click.UsageError("say which entries, or --all")
    with _opened(state, write=yes) as (file, db):
        now = time.time()
        found = list(selected(db, meant, now))
        dropped = drop(file, db, meant, now) if yes else 0
        if as_json:
            click.echo(orjson.dumps({"found": len(found), "bytes": sum(one.size for one in found), "dropped": dropped}))
            return
        for entry in found[:_SHOW]:
            click.echo(_line(entry))
        if len(found) > _SHOW:
            click.echo(f"… and {len(found) - _SHOW} more")
        click.echo(f"dropped {dropped}" if yes else f"would drop {len(found)}; --yes drops them")


@command.command("status")
@STATE
@JSON
def show_status(*, state: Path, as_json: bool) -> None:
    """Show what is held, and what holds the rate of wrong hits of each tenant."""
    with _opened(state) as (_, db):
        held = status(db)
    if as_json:
        click.echo(orjson.dumps(held._asdict()))
        return
    click.echo(f"{held.entries} entries, {held.bytes / 1e6:.1f} MB; {held.similar} may answer similar questions")
    for tenant, count in held.tenants.items():
        click.echo(f"  {tenant}: {count}")
    for bound in held.bounds:
        click.echo(_bound_line(**bound))


@command.command("reset")
@click.argument("tenant")
@STATE
@click.option("--yes", is_flag=True, help="Set it back; without it nothing is changed.")
def reset(*, tenant: str, state: Path, yes: bool) -> None:
    """Set the error bound of TENANT back to the offline calibration, so that similar answers are served again."""
    with _opened(state, write=yes) as (file, db):
        known = [bound for bound in status(db).bounds if bound["tenant"] == tenant]
        if not known:
            raise click.ClickException(f"no answers of tenant {tenant} were compared")
        for bound in known:
            click.echo(_bound_line(**bound))
        if yes:
            reset_bounds(file, db, tenant)
        click.echo("set back" if yes else "would be set back; --yes does it")


@contextmanager
def _opened(state: Path, *, write: bool = False) -> Iterator[tuple[AnswerFile, sqlite3.Connection]]:
    if not state.is_dir():
        raise click.ClickException(f"{state}: there is no such folder; name the state folder of the gateway with --state")
    file = AnswerFile(state / FILE)
    if not file.path.exists():
        raise click.ClickException(f"{file.path}: no answer was cached yet")
    try:
        db = file.open(write=write)
        try:
            yield file, db
        finally:
            db.close()
    except (sqlite3.Error, OSError) as error:
        raise click.ClickException(f"{file.path}: {error}") from error


def _line(entry: Shown) -> str:
    age = max(0.0, time.time() - entry.created)
    words = (
        entry.key[:16],
        _age(age),
        f"{entry.size} B",
        entry.tenant,
        entry.workload,
        entry.model,
        entry.kind,
        entry.revision[:12],
        entry.request,
    )
    return "  ".join((*words, ",".join(entry.tags))).rstrip()


def _age(seconds: float) -> str:
    unit = next((unit for unit in ("d", "h", "m") if seconds >= UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:.0f}{unit}"


def _bound_line(**bound: Any) -> str:
    least = bound["threshold"]
    served = "similar answers are not served" if least is None else f"served from score {max(least, calibration().score):.3g}"
    return (
        f"  {bound['tenant']}: {bound['state']}, {bound['wrong']} wrong of {bound['compared']} compared, "
        f"{bound['delta']:.2%} allowed; {served} ({bound['judgement']})"
    )
