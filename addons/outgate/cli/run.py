"""`outgate run`: run the gateway in the foreground."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import click


def address_of(text: str) -> tuple[str, int]:
    """`host:port` as its parts. Raises click.BadParameter."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(f"{text!r} is not host:port")
    return host.strip("[]"), int(port)


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
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path),
    default=Path("policies/default.yaml"),
    show_default=True,
    help="The policy file.",
)
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), show_default=True, help="Journals, ledger and sockets."
)
@click.option(
    "--certs", type=click.Path(path_type=Path), default=Path("certs"), show_default=True, help="The certificate authority's folder."
)
@click.option("--listen", help="host:port, instead of the policy's `gateway.listen`.")
@click.option("--transparent", help="host:port, instead of the policy's `gateway.transparent`.")
@click.option("--admin", default="127.0.0.1:9464", show_default=True, help="host:port of /metrics, /healthz and /readyz.")
@click.option("--pin", default="", help="Refuse any policy but the one with this revision.")
@click.option(
    "--drain", type=click.FloatRange(0, 3600), default=30.0, show_default=True, help="Seconds exchanges may take to end at SIGTERM."
)
def command(
    *, file: Path, state: Path, certs: Path, listen: str | None, transparent: str | None, admin: str, **process: Any
) -> None:
    """Run the gateway until SIGTERM. Exit code 2 when the policy is refused."""
    from outgate.server.supervisor import RunSettings, run

    said = listeners(file)
    if said.problem:
        click.echo(said.problem, err=True)
        sys.exit(2)
    inbound = transparent or said.transparent
    settings = RunSettings(
        policy=file.absolute(),
        state=state.absolute(),
        certs=certs.absolute(),
        listen=address_of(listen or said.listen),
        admin=address_of(admin),
        transparent=address_of(inbound) if inbound else None,
        **process,
    )
    sys.exit(run(settings, lambda line: click.echo(line, err=True)))
