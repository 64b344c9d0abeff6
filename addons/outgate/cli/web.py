"""`outgate web`: the same plan under mitmweb, where every flow shows its stages."""

import os
import sys
from pathlib import Path

import click

_GATEWAY = Path(__file__).resolve().parents[2] / "gateway.py"


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path),
    default=Path("policies/default.yaml"),
    show_default=True,
    help="The policy file.",
)
@click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), show_default=True, help="Journals, ledger and sockets."
)
@click.option(
    "--certs", type=click.Path(path_type=Path), default=Path("certs"), show_default=True, help="The certificate authority's folder."
)
@click.argument("more", nargs=-1, type=click.UNPROCESSED)
def command(*, file: Path, state: Path, certs: Path, more: tuple[str, ...]) -> None:
    """Run mitmweb with the gateway loaded; MORE goes to mitmweb as it is."""
    program = Path(sys.executable).with_name("mitmweb")
    if not program.is_file():
        raise click.ClickException("mitmweb is not installed beside this Python")
    settings = [f"outgate_policy={file.resolve()}", f"outgate_state={state.resolve()}", f"confdir={certs.resolve()}"]
    sets = [word for setting in settings for word in ("--set", setting)]
    os.execv(program, [str(program), "-s", str(_GATEWAY), *sets, *more])  # noqa: S606 - this process becomes mitmweb
