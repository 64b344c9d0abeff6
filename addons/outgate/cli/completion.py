"""`outgate completion`: print what a shell reads to complete commands and options, as click makes it."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, *, shell: str) -> None:
    """Print the completion of SHELL: `eval "$(outgate completion bash)"`, or `outgate completion fish | source`.

    It asks `outgate` itself at each TAB, so it stays right when commands change.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "outgate", "_OUTGATE_COMPLETE").source())
