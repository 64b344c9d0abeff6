import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from outgate.cli.commands import Commands
from outgate.cli.main import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[2]


def test_every_command_has_help():
    for name in COMMANDS:
        result = CliRunner().invoke(cli, [name, "--help"])
        assert 0 == result.exit_code, result.output
        assert "Usage" in result.output


def test_help_lists_every_command():
    result = CliRunner().invoke(cli, ["--help"])

    assert all(name in result.output for name in COMMANDS)


def test_an_unknown_command_is_a_usage_error():
    assert 2 == CliRunner().invoke(cli, ["frobnicate"]).exit_code


def test_help_imports_neither_the_proxy_nor_any_stage():
    code = "import sys; from outgate.cli.main import cli; cli(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert "outgate.stages" not in shown
    assert "'mitmproxy'" not in shown


def options(command, path=()):
    """Every option of every command, with the words that lead to it."""
    below = command.commands if isinstance(command, click.Group) and not isinstance(command, Commands) else {}
    if isinstance(command, Commands):
        below = {name: command.get_command(context(command, path), name) for name in command.list_commands(None)}
    for name, each in below.items():
        yield from options(each, (*path, name))
    yield from ((path, option) for option in command.params if isinstance(option, click.Option) and path)


def context(command, path):
    outer = click.Context(cli, info_name="outgate")
    return click.Context(command, parent=outer, info_name=path[-1]) if path else outer


def test_every_option_has_a_variable_of_its_own():
    found = {(path, option.opts[0]): option.envvar for path, option in options(cli)}
    own = [names[0] for names in found.values()]

    assert 80 < len(found)
    assert len(set(own)) == len(own)
    assert all(name.startswith("OUTGATE_") for names in found.values() for name in names)
    assert ["OUTGATE_RUN_WORKERS"] == found[("run",), "--workers"]
    assert ["OUTGATE_WORKLOAD_ROTATE_KEEP_OLD"] == found[("workload", "rotate"), "--keep-old"]
    assert ["OUTGATE_EVALUATE_PICKER_JSON"] == found[("evaluate", "picker"), "--json"]


def test_every_option_of_every_command_takes_its_variable(monkeypatch):
    for path, option in options(cli):
        for name in option.envvar:
            monkeypatch.setenv(name, "1")
            value, source = option.consume_value(click.Context(click.Command(path[-1])), {})
            monkeypatch.delenv(name)
            assert (click.core.ParameterSource.ENVIRONMENT, True) == (source, bool(value)), (path, option.opts)


def test_a_variable_stands_for_its_option_and_the_option_goes_before_it(tmp_path):
    env = {"OUTGATE_STATE": str(tmp_path / "all"), "OUTGATE_SPEND_STATE": str(tmp_path / "own")}

    assert "own/accounts" in CliRunner(env=env).invoke(cli, ["spend"]).output
    assert "all/accounts" in CliRunner(env=env).invoke(cli, ["denied"]).output
    assert "said/accounts" in CliRunner(env=env).invoke(cli, ["spend", "--state", str(tmp_path / "said")]).output
    (tmp_path / "all" / "accounts").mkdir(parents=True)
    env = {"OUTGATE_STATE": str(tmp_path / "all"), "OUTGATE_SPEND_COMPARE": "first second"}
    assert "has a known cost with first or second" in CliRunner(env=env).invoke(cli, ["spend"]).output
    assert "is no age" in CliRunner(env={"OUTGATE_SPEND_LAST": "soon"}).invoke(cli, ["spend"]).output


def in_docs():
    """Commands in blocks of code and between backticks, on every page that is not a record of results or decisions."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        fenced = False
        for number, line in enumerate(page.read_text().splitlines(), 1):
            fenced ^= line.startswith("```")
            code = [line] if fenced or line.startswith("    ") else re.findall(r"`([^`]*)`", line)
            for each in code:
                for found in re.findall(r"(?<![\w/.'-])outgate ([a-z][^#|;)>]*)", each):
                    yield f"{page.name}:{number}", found


def parsed(words):
    """The context of a command line, and of nothing that it would do."""
    command, ctx = cli, cli.make_context("outgate", list(words))
    rest = list(words)
    while isinstance(command, click.Group) and rest:
        name, command, rest = command.resolve_command(ctx, rest)
        ctx = command.make_context(name, list(rest), parent=ctx)


@pytest.mark.parametrize(("place", "line"), [*in_docs()])
def test_every_command_in_the_docs_is_one(place, line):
    words = [word for word in shlex.split(line, comments=True) if word != "…"]
    if words[0] in COMMANDS:
        try:
            parsed(words)
        except click.MissingParameter:
            assert len(words) <= 2, place  # named in a sentence, without its arguments


@pytest.mark.parametrize(("words", "near"), [(["statsu"], "'status'"), (["evaluate", "gards"], "'guards'")])
def test_a_command_misspelt_is_told_the_nearest(words, near):
    result = CliRunner().invoke(cli, words)

    assert (2, True) == (result.exit_code, f"did you mean {near}?" in result.output)


def test_a_word_like_no_command_is_told_as_it_is():
    assert "No such command 'zzz'" in CliRunner().invoke(cli, ["zzz"]).output
