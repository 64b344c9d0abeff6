import subprocess
import sys

from click.testing import CliRunner

from outgate.cli.main import COMMANDS, cli


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
