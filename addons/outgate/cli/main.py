"""`outgate`: one command per task, each in its own file, imported when it is called.

Exit codes: 0 done; 1 a check, test or file is wrong; 2 the command line is wrong, or a policy is refused at start.
"""

from importlib import import_module
from typing import Any

import click

COMMANDS = {
    "run": "Run the gateway: a supervisor, workers and the model server.",
    "web": "Run the gateway under mitmweb, to look at flows.",
    "check": "Check policies and run the behaviour tests beside them.",
    "plan": "Show in which order stages run, and why.",
    "why": "Say what happened to a request, or to a text that a guard found.",
    "workload": "Add, rotate or revoke a workload's token.",
    "ca": "Make or show the certificate authority that workloads trust.",
}


class _Commands(click.Group):
    """Imports a command when it is called, so that `outgate --help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"outgate.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="outgate")
def cli() -> None:
    """Outgate: an AI gateway for traffic that leaves."""


def main() -> Any:
    """Entry point."""
    return cli()


if __name__ == "__main__":
    main()
