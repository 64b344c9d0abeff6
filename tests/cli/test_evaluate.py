from click.testing import CliRunner

from outgate.cli.evaluate import COMMANDS
from outgate.cli.main import cli


def test_help_lists_every_evaluation():
    result = CliRunner().invoke(cli, ["evaluate", "--help"])

    assert 0 == result.exit_code
    assert all(name in result.output for name in COMMANDS)


def test_an_unknown_evaluation_is_a_usage_error():
    assert 2 == CliRunner().invoke(cli, ["evaluate", "weather"]).exit_code
