"""`outgate run`: run the gateway in the foreground."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from outgate.cli.options import ADMIN, CERTIFICATE, CERTS, POLICY, STATE, Age, Size

if TYPE_CHECKING:
    from outgate.server.audit_files import AuditSettings


def address_of(text: str) -> tuple[str, int]:
    """`host:port` as its parts. Raises click.BadParameter."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is not host:port")
    return host.strip("[]"), int(port)


_AUDIT = ("audit", "audit_full", "audit_full_after", "audit_keep", "audit_keep_size", "audit_keep_files")


class Listeners(NamedTuple):
    """`gateway.listen` and `gateway.transparent` of a policy, or why it is refused."""

    listen: str
    transparent: str
    problem: str = ""


def listeners(file: Path) -> Listeners:
    """Read from the policy in a child process: what reads policies takes 25 MB, which a supervisor never needs again."""
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as child:
        return child.submit(_read, file).result()


def _read(file: Path) -> Listeners:
    from outgate.errors import PolicyError
    from outgate.policy.source import read_source
    from outgate.policy.validate import validate

    try:
        gateway = validate(read_source(file))[0].policy.gateway
    except PolicyError as error:
        return Listeners("", "", str(error))
    return Listeners(gateway.listen, gateway.transparent or "")


@click.command()
@POLICY
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@STATE
@CERTS
@click.option("--listen", help="host:port, instead of the policy's `gateway.listen`.")
@click.option("--transparent", help="host:port, instead of the policy's `gateway.transparent`.")
@ADMIN
@click.option("--pin", default="", help="Refuse any policy but the one with this revision.")
@click.option(
    "--drain", type=click.FloatRange(0, 3600), default=30.0, show_default=True, help="Seconds exchanges may take to end at SIGTERM."
)
@click.option("--log", type=click.Choice(("text", "json")), default="text", show_default=True, help="How log lines look.")
@click.option(
    "--log-level",
    type=click.Choice(("error", "warning", "info")),
    default="warning",
    show_default=True,
    help="What the log tells; `info` has a line for each exchange. While it runs: SIGUSR1 tells one level more, SIGUSR2 this.",
)
@click.option("--audit", type=click.Choice(("-",)), help="`-` writes closing lines to standard output too.")
@click.option(
    "--audit-full", type=Size(), default="64MB", show_default=True, help="An audit file of this size is followed by a new one."
)
@click.option("--audit-full-after", type=Age(), default="1d", show_default=True, help="And so is one of this age.")
@click.option("--audit-keep", type=Age(), help="Remove full audit files after so long: 90d. Without it, never.")
@click.option("--audit-keep-size", type=Size(), help="Keep full audit files up to so much in all: 10GB.")
@click.option("--audit-keep-files", type=click.IntRange(0), help="Keep so many full audit files.")
def command(
    *, file: Path, state: Path, certs: Path, listen: str | None, transparent: str | None, admin: str, **process: Any
) -> None:
    """Run the gateway until SIGTERM. Exit code 2 when the policy is refused."""
    from outgate.server.logs import Log
    from outgate.server.supervisor import RunSettings, run

    said = listeners(file)
    if said.problem:
        Log(process["log"]).say(said.problem)
        sys.exit(2)
    inbound = transparent or said.transparent
    settings = RunSettings(
        policy=file.absolute(),
        state=state.absolute(),
        certs=certs.absolute(),
        listen=address_of(listen or said.listen),
        admin=address_of(admin),
        transparent=address_of(inbound) if inbound else None,
        audit=_audit(*(process.pop(name) for name in _AUDIT)),
        **process,
    )
    Log(settings.log).say(
        f"outgate runs {settings.policy}; workloads trust {settings.certs / CERTIFICATE}; accounts in {settings.state}"
    )
    sys.exit(run(settings))


def _audit(
    copied: str | None, full: int, full_after: float, keep: float | None, keep_size: int | None, keep_files: int | None
) -> "AuditSettings":
    from outgate.server.audit_files import AuditSettings
    from outgate.stores.retention import Kept
    from outgate.stores.segments import Full

    return AuditSettings(Full(full, full_after), Kept(keep, keep_size, keep_files), copied == "-")
