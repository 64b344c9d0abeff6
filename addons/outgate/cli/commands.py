"""A group of commands, each in a file of its own that is imported when it is called: help imports none of them."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class Commands(click.Group):
    """Commands by name, with a line of help; the command `NAME` is `command` in the module `PREFIX + NAME`."""

    def __init__(self, *arguments: Any, told: Mapping[str, str], prefix: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._told, self._prefix = told, prefix

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(self._told)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in self._told:
            return None
        command: click.Command = import_module(f"{self._prefix}{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._told.items()))
