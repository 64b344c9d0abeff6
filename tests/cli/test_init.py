"""`outgate init`: what it writes is accepted as it is, and what it says next works."""

import shlex

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import BASE


def commands_in(told):
    return [shlex.split(line.partition("#")[0]) for line in told.splitlines() if line.startswith("  ")]


def run(*args):
    return CliRunner().invoke(cli, [*map(str, args)])


def test_what_is_written_is_accepted_and_the_next_commands_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = run("init", "--workload", "research")
    commands = commands_in(told.output)

    assert (0, True) == (told.exit_code, "Commands find it in this folder by themselves" in told.output)
    assert [["ca", "init"], ["workload", "add", "research"]] == [words[1:] for words in commands[:2]]
    assert ["outgate", "run"] == commands[2][2:]
    assert [0, 0] == [run(*words[1:]).exit_code for words in commands[:2]]
    for command in (["check"], ["plan"], ["workload", "ls"], ["env", "research"]):
        found = run(*command)
        assert (0, False) == (found.exit_code, "W_" in found.output), found.output
    assert "research" in (tmp_path / "policy.yaml").read_text()


@pytest.mark.parametrize("name", ["policy.yaml", "mine.yaml", "a b.yaml"])
def test_a_file_that_is_not_found_by_itself_is_named_by_the_first_command(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    if name == "policy.yaml":
        (tmp_path / "policies").mkdir()
        (tmp_path / "policies/default.yaml").write_text(BASE)
    told = run("init", name)
    (export, assigned), *_ = commands_in(told.output)
    variable, _, path = assigned.partition("=")

    assert ("export", "OUTGATE_POLICY", str(tmp_path / name)) == (export, variable, path)
    assert "Commands take policies/default.yaml unless they are told otherwise" in told.output
    monkeypatch.setenv(variable, path)
    assert 0 == run("workload", "add", "research").exit_code
    assert "research" in (tmp_path / name).read_text()


def test_where_there_is_no_policy_every_command_says_how_one_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["check"], ["plan"], ["env", "x"], ["workload", "ls"], ["workload", "add", "x"], ["workload", "revoke", "x"]):
        found = run(*command)
        assert (1, True) == (found.exit_code, "`outgate init` writes one" in found.output), (command, found.output)


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
