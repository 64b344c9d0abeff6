"""`outgate workload`: issue, rotate and revoke tokens, list and remove workloads. A token is shown once."""

import fcntl
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import click

from outgate.cli.env import for_shell, policy_of, reached
from outgate.cli.misspelt import there_is_no
from outgate.cli.options import CERTS, POLICY, Moment
from outgate.cli.screen import say, table
from outgate.errors import PolicyError
from outgate.identity.workloads import TOKEN_PREFIX, Kept, entry_of
from outgate.policy.load import load_source
from outgate.policy.source import parse_source, read_source
from outgate.policy.validate import validate
from outgate.policy.workload_entry import EditError, with_first_digest, with_workload, without_digests, without_workload

_EXPIRES = click.option(
    "--expires", type=Moment(), help="When the token ends: 90d, or a date, 2027-01-31 (UTC). Without it, never."
)


@click.group()
def command() -> None:
    """Add, rotate or revoke a workload's token; list or remove workloads."""


@command.command()
@click.argument("name")
@click.option("--tenant", default=None, help="Its tenant.")
@click.option("--group", "groups", multiple=True, help="A group it is in; may be repeated.")
@_EXPIRES
@POLICY
@CERTS
def add(*, name: str, tenant: str | None, groups: tuple[str, ...], expires: datetime | None, file: Path, certs: Path) -> None:
    """Add the workload NAME and show its token, once."""
    token = _new_token()
    section: dict[str, str | list[str]] = {"tenant": tenant} if tenant is not None else {}
    if groups:
        section["groups"] = list(groups)
    section["token_hashes"] = [entry_of(token, expires)]

    def change(text: str, names: Collection[str]) -> str:
        if name in names:
            raise click.ClickException(f"{name} is already a workload: use `outgate workload rotate {name} --policy {file}`")
        return with_workload(text, name, section)

    _rewrite(file, change, missing=True)
    _show(name, token, file, certs)


@command.command()
@click.argument("name")
@click.option("--keep-old", is_flag=True, help="Let the newest old token work on, until the next rotation.")
@_EXPIRES
@POLICY
@CERTS
def rotate(*, name: str, keep_old: bool, expires: datetime | None, file: Path, certs: Path) -> None:
    """Give the workload NAME a new token and show it, once. Old tokens end with the next reload, within seconds."""
    token = _new_token()

    def change(text: str, names: Collection[str]) -> str:
        _insist(name, names, file)
        return with_first_digest(text, name, entry_of(token, expires), keep=int(keep_old))

    _rewrite(file, change)
    _show(name, token, file, certs)


@command.command()
@click.argument("name")
@POLICY
def revoke(*, name: str, file: Path) -> None:
    """End every token of the workload NAME, which stays in the policy. Open tunnels are refused with their next request after the
    reload.
    """

    def change(text: str, names: Collection[str]) -> str:
        _insist(name, names, file)
        return without_digests(text, name)

    _rewrite(file, change)
    click.echo(f"{name} has no token; `outgate workload rotate {name}` gives it one")
    section = _sections(file)[name] or {}
    if others := " and ".join(way for way in ("certificates", "jwt") if section.get(way)):
        click.echo(f"it may still call by {others}, which stand in {file}", err=True)


@command.command()
@click.argument("name")
@POLICY
def remove(*, name: str, file: Path) -> None:
    """Take the workload NAME out of the policy. It must be named nowhere else there; `revoke` ends its tokens at once."""

    def change(text: str, names: Collection[str]) -> str:
        _insist(name, names, file)
        return without_workload(text, name)

    _rewrite(file, change, f"where the policy names {name} elsewhere, take it out there first; `revoke {name}` ends its tokens now")
    click.echo(f"{name} is removed")


@command.command("ls")
@POLICY
def list_workloads(*, file: Path) -> None:
    """List workloads: tenant, groups, and how many tokens each has, with the time at which they expire."""
    workloads = policy_of(file).workloads
    now = datetime.now(UTC).timestamp()
    rows = [(name, each.tenant, ", ".join(each.groups) or "-", _tokens(each.token_hashes, now)) for name, each in workloads.items()]
    say(table(("workload", "tenant", "groups", "tokens"), rows, 4) if rows else ["there is no workload"])


def _tokens(entries: Sequence[str], now: float) -> str:
    ends = [Kept.read(entry).expires for entry in entries]
    told = [
        "never ends" if end == inf else f"{'ends' if now < end else 'EXPIRED'} {datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M}"
        for end in ends
    ]
    return ", ".join(told) or "none"


def _new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def _insist(name: str, names: Collection[str], file: Path) -> None:
    if name not in names:
        raise click.ClickException(there_is_no("workload", name, names, str(file)))


def _show(name: str, token: str, file: Path, certs: Path) -> None:
    """The token alone on standard output; how it is used beside it, without the token: what goes there is often kept."""
    click.echo(f"{name} may call with this token. It is not shown again:", err=True)
    click.echo(token)
    with suppress(PolicyError):  # other workloads are still to be added
        gateway = reached(validate(read_source(file))[0].policy)
        click.echo(f"\n{for_shell(name, gateway, certs)}", err=True)


def _sections(file: Path) -> Mapping[str, Any]:
    return parse_source(file.read_text(encoding="utf-8"), str(file)).at(("workloads",)) or {}


def _rewrite(file: Path, change: Callable[[str, Collection[str]], str], hint: str = "", *, missing: bool = False) -> None:
    """Change the workloads of a policy, whole or not at all; what would be refused is not written.

    Where another edit came between, the change is made again, of the text that it left.
    `change` is given the text and the names of the workloads. `missing`: other workloads that the policy names may be missing
    still, so that one can be added after the other.
    """
    while not _changed(file, change, hint, missing=missing):
        pass


def _changed(file: Path, change: Callable[[str, Collection[str]], str], hint: str, *, missing: bool) -> bool:
    """Whether the change was written: false where the file is no longer the one that was read."""
    try:
        text = file.read_text(encoding="utf-8", newline="")
        source = parse_source(text, str(file))
        written = change(text, source.at(("workloads",)) or ())
        _judge(written, file, missing=missing)
    except FileNotFoundError as error:
        raise click.ClickException(f"{file}: there is no such file; --policy names another, `outgate init` writes one") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    except EditError as error:
        raise click.ClickException(f"{file}: {error}; write `workloads` out, one key a line") from error
    except PolicyError as error:
        click.echo(f"{error}\n{file} is left as it was{f': {hint}' if hint else ''}", err=True)
        sys.exit(1)
    with _alone(file):
        current = file.read_text(encoding="utf-8", newline="") == text
        if current:
            _replace(file, written)
    return current


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold off other edits in the folder of a policy; the file itself is replaced, so a lock on it would hold nobody."""
    folder = os.open(file.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _judge(text: str, file: Path, *, missing: bool) -> None:
    try:
        load_source(parse_source(text, str(file)))
    except PolicyError as error:
        others = {problem.code for problem in error.problems if problem.is_error} - {"E_UNKNOWN_WORKLOAD"}
        if others or not missing:
            raise
        click.echo(f"{error}\nuntil these are added too, the policy is refused", err=True)


def _replace(file: Path, text: str) -> None:
    """Put the text in the file's place at once, with the file's mode."""
    target = file.resolve()
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as beside:
            beside.write(text)
            beside.flush()
            os.fsync(beside.fileno())
        Path(name).chmod(target.stat().st_mode & 0o777)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
