"""A group of commands, each in a file of its own that is imported when it is called: help imports none of them."""

from collections.abc import Mapping
from difflib import get_close_matches
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
        if cmd_name not in self._told:
            return None
        command: click.Command = import_module(f"{self._prefix}{cmd_name}").command
        _read_variables(command, [*_above(ctx), cmd_name])
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Name the nearest command where there is none of the name."""
        if near := get_close_matches(args[0], self._told, n=1) if args[0] not in self._told else []:
            ctx.fail(f"there is no command {args[0]!r}, did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(self._told.items()))


_SHARED = frozenset({"admin", "certs", "policy", "state"})
"""Options that mean the same in every command: `OUTGATE_STATE` stands for all of theirs."""


def _read_variables(command: click.Command, path: list[str]) -> None:
    """Let every option be given by the environment: `--audit-keep` of `outgate run` by OUTGATE_RUN_AUDIT_KEEP."""
    for option in command.params:
        if isinstance(option, click.Option):
            name = next(each for each in option.opts if each.startswith("--")).lstrip("-")
            option.envvar = [_variable(*path, name), *([_variable(name)] if name in _SHARED else [])]
    if isinstance(command, click.Group) and not isinstance(command, Commands):
        for name, below in command.commands.items():
            _read_variables(below, [*path, name])


def _above(ctx: click.Context) -> list[str]:
    """The names of the groups above, but for the outermost."""
    return [*_above(ctx.parent), str(ctx.info_name)] if ctx.parent is not None else []


def _variable(*words: str) -> str:
    return "_".join(("outgate", *words)).replace("-", "_").upper()
