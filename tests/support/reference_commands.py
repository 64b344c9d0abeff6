"""The page of commands: each with its help, its options, and the variables that give them."""

from collections.abc import Iterator

import click

from outgate.cli.main import cli


def commands(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that lead to it."""
    if not isinstance(command, click.Group):
        yield words, command
        return
    ctx = context(command, words)
    for name in command.list_commands(ctx):
        below = command.get_command(ctx, name)
        assert below is not None
        yield from commands(below, (*words, name))


def context(command: click.Command, words: tuple[str, ...]) -> click.Context:
    """As it is when the words were read."""
    ctx = click.Context(cli, info_name="outgate")
    for word in words[:-1]:
        ctx = click.Context(click.Group(word), parent=ctx, info_name=word)
    return click.Context(command, parent=ctx, info_name=words[-1]) if words else ctx


def commands_page() -> str:
    parts = ["# Commands\n\nWhat `--help` of each says. The variable gives the option; the command line goes before it.\n"]
    parts += [_section(words, command) for words, command in commands(cli)]
    return "\n".join(parts)


def _section(words: tuple[str, ...], command: click.Command) -> str:
    ctx = context(command, words)
    usage = " ".join(command.collect_usage_pieces(ctx))
    text = "\n".join(line.strip() for line in (command.help or "").splitlines()).strip()
    rows = [_row(option, ctx) for option in command.params if isinstance(option, click.Option)]
    table = "| option | variable | meaning |\n|---|---|---|\n" + "".join(rows) if rows else ""
    return f"## outgate {' '.join(words)}\n\n`outgate {' '.join(words)} {usage}`\n\n{text}\n\n{table}"


def _row(option: click.Option, ctx: click.Context) -> str:
    names = option.envvar if isinstance(option.envvar, list) else []
    option.show_envvar = False
    shown, meaning = option.get_help_record(ctx) or (option.opts[0], "")
    return f"| `{shown.replace('|', '\\|')}` | {', '.join(f'`{name}`' for name in names)} | {meaning.replace('|', '\\|')} |\n"
