"""`outgate placeholder`: make the text of a placeholder, which a workload holds in place of a credential."""

import re
import secrets

import click

from outgate.policy.binding_settings import MARK


@click.command()
@click.option("--prefix", default="", help="How it begins, where a client insists: `ghp_` for example.")
def command(*, prefix: str) -> None:
    """Print a new text for `placeholders.NAME.text` of a provider, and for the workload that holds it."""
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,64}", prefix):
        raise click.UsageError("a prefix has letters, digits, dashes and underscores")
    click.echo(f"{prefix}outgate-{MARK}-{secrets.token_hex(16)}")
