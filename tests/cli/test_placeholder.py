"""`outgate placeholder`: a text that a policy takes, new each time."""

import re

from click.testing import CliRunner

from outgate.cli.placeholder import command


def test_it_prints_a_new_text_each_time():
    first, second = (CliRunner().invoke(command, ["--prefix", "ghp_"]).output for _ in range(2))

    assert re.fullmatch(r"ghp_outgate-placeholder-[0-9a-f]{32}\n", first)
    assert first != second


def test_a_prefix_that_no_policy_takes_is_refused():
    assert 2 == CliRunner().invoke(command, ["--prefix", "a b"]).exit_code
