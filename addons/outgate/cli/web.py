"""`outgate web`: run the gateway under mitmweb, where every flow shows its stages."""

import os
import sys
from pathlib import Path

import click

from outgate.cli.options import CERTIFICATE, CERTS, POLICY, STATE
from outgate.cli.run import address_of
from outgate.errors import PolicyError
from outgate.policy.source import read_source
from outgate.policy.validate import validate

_GATEWAY = Path(__file__).resolve().parents[2] / "gateway.py"
_COLUMNS = ("icon", "method", "path", "status", "comment", "size", "time")
_WELCOME = """\
outgate under mitmweb, for looking at flows; `outgate run` is the one for traffic
  flows     http://{ui} (the address with its token follows); each says what became of it
  clients   HTTPS_PROXY=http://WORKLOAD:TOKEN@{host}:{port}
            SSL_CERT_FILE={ca} (Node: NODE_EXTRA_CA_CERTS)"""


@click.command(context_settings={"ignore_unknown_options": True})
@POLICY
@STATE
@CERTS
@click.option("--listen", help="host:port of the gateway, instead of the policy's `gateway.listen`.")
@click.option("--ui", default="127.0.0.1:8081", show_default=True, help="host:port of the web interface.")
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
def command(*, file: Path, state: Path, certs: Path, listen: str | None, ui: str, more: tuple[str, ...]) -> None:
    """Run mitmweb with the gateway loaded; MORE goes to mitmweb as it is. Exit code 2 when the policy is refused.

    The web interface asks for a password: mitmweb prints its address with the token in it.
    """
    program = Path(sys.executable).with_name("mitmweb")
    if not program.is_file():
        raise click.ClickException("mitmweb is not installed beside this Python")
    try:
        gateway = validate(read_source(file))[0].policy.gateway
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    host, port = address_of(listen or gateway.listen)
    ui_host, ui_port = address_of(ui)
    click.echo(_WELCOME.format(host=host, port=port, ui=ui, ca=(certs / CERTIFICATE).resolve()), err=True)
    settings = [f"outgate_policy={file.absolute()}", f"outgate_state={state.absolute()}", f"confdir={certs.absolute()}"]
    settings += [f"web_columns={column}" for column in _COLUMNS]
    settings += [
        f"listen_host={host}",
        f"listen_port={port}",
        f"web_host={ui_host}",
        f"web_port={ui_port}",
        "web_open_browser=false",
    ]
    sets = [word for setting in settings for word in ("--set", setting)]
    os.execv(program, [str(program), "-s", str(_GATEWAY), *sets, *more])  # noqa: S606 - this process becomes mitmweb
