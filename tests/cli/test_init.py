"""`outgate init`: what it writes is accepted as it is, and what it says next works."""

import shlex

from click.testing import CliRunner

from outgate.cli.main import cli


def run(*args):
    return CliRunner().invoke(cli, [*map(str, args)])


def test_what_is_written_is_accepted_and_the_next_commands_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("init", "--workload", "research")
    commands = [shlex.split(line.partition("#")[0]) for line in told.output.splitlines() if line.startswith("  ")]

    assert 0 == told.exit_code
    assert [["ca", "init"], ["workload", "add", "research", "--policy", "policy.yaml"]] == [words[1:] for words in commands[:2]]
    assert ["outgate", "run", "--policy", "policy.yaml"] == commands[2][2:]
    assert [0, 0] == [run(*words[1:]).exit_code for words in commands[:2]]
    checked = run("check", "policy.yaml")
    assert (0, "W_") == (checked.exit_code, "W_" * ("W_" not in checked.output)), checked.output


def test_it_listens_where_it_is_told(tmp_path):
    assert 0 == run("init", tmp_path / "p.yaml", "--listen", "0.0.0.0:18080").exit_code
    assert "listen: 0.0.0.0:18080" in (tmp_path / "p.yaml").read_text()


def test_a_file_that_is_there_is_replaced_when_asked_alone(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("mine")

    assert (1, "mine") == (run("init", path).exit_code, path.read_text())
    assert 0 == run("init", path, "--force").exit_code
    assert "providers:" in path.read_text()


def test_a_folder_that_is_not_there(tmp_path):
    assert 1 == run("init", tmp_path / "none" / "p.yaml").exit_code
