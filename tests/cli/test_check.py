import os
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import BASE, write
from support.speed import slowness

ROOT = Path(__file__).resolve().parents[2]
_PROMISED = 1.0
"""Seconds of CPU."""

TEST = """\
- name: it
  request: {workload: alpha, destination: openai, path: /v1/chat/completions,
    body: {model: m, messages: [{role: user, content: hi}]}}
  expect: {decision: %s}
"""


def run(*args):
    return CliRunner().invoke(cli, ["check", *map(str, args)])


def test_a_sound_policy_is_ok(tmp_path):
    write(tmp_path, TEST % "allowed", "policy.test.yaml")
    result = run(write(tmp_path))

    assert 0 == result.exit_code
    assert "1 of 1 tests passed" in result.output


def test_a_refused_policy_shows_all_problems_and_ends_with_1(tmp_path):
    result = run(write(tmp_path, BASE.replace("model_map", "modelmap").replace("openai,", "cohere,")))

    assert 1 == result.exit_code
    assert "policy.yaml:3: E_VALUE" in result.output
    assert "policy.yaml:11: E_UNKNOWN_STAGE" in result.output
    assert "repair: did you mean `model_map`?" in result.output


def test_a_failing_test_ends_with_1_and_says_what(tmp_path):
    write(tmp_path, TEST % "denied", "policy.test.yaml")
    result = run(write(tmp_path))

    assert 1 == result.exit_code
    assert "decision: expected denied, got allowed" in result.output


def test_a_test_file_stands_for_its_policy_and_runs(tmp_path):
    write(tmp_path)
    tests = write(tmp_path, TEST % "denied", "policy.test.yaml")
    result = run(tests)

    assert 1 == result.exit_code
    assert "decision: expected denied, got allowed" in result.output
    write(tmp_path, TEST % "allowed", "policy.test.yaml")
    assert "policy.yaml: ok" in run(tests).output
    assert "1 of 1 tests passed" in run(tests).output


def test_a_policy_and_its_tests_given_together_are_checked_once(tmp_path):
    tests = write(tmp_path, TEST % "allowed", "policy.test.yaml")
    result = run(write(tmp_path), tests)

    assert 0 == result.exit_code
    assert 1 == result.output.count("1 of 1 tests passed")


def test_tests_without_their_policy_say_which_file_is_missing(tmp_path):
    result = run(write(tmp_path, TEST % "allowed", "lone.test.yaml"))

    assert 1 == result.exit_code
    assert "lone.test.yaml:1: E_TEST" in result.output
    assert "lone.yaml, is not beside them" in result.output


def test_tests_under_another_name_are_told_their_name(tmp_path):
    assert "NAME.test.yaml" in run(write(tmp_path, TEST % "allowed", "tests.yaml")).output


def test_a_mistake_in_a_test_leads_to_its_repair(tmp_path):
    write(tmp_path, (TEST % "alowed").replace("workload:", "worklaod:"), "policy.test.yaml")
    result = run(write(tmp_path))

    assert "policy.test.yaml:2: E_TEST: `worklaod` is not a key of `0.request`" in result.output
    assert "did you mean `workload`?" in result.output
    assert "policy.test.yaml:4: E_TEST: 0.expect.decision" in result.output
    assert "did you mean `allowed`?" in result.output


def test_json(tmp_path):
    report = orjson.loads(run(write(tmp_path, "routes: 1"), "--json").output)[0]

    assert not report["ok"]
    assert ("E_VALUE", 1) in [(problem["code"], problem["line"]) for problem in report["problems"]]


def test_a_file_that_is_not_there(tmp_path):
    result = run(tmp_path / "none.yaml")

    assert 1 == result.exit_code
    assert "E_UNREADABLE" in result.output


def test_credentials_are_checked_where_asked_and_never_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "value-of-the-key")
    assert 0 == run(write(tmp_path), "--credentials").exit_code
    monkeypatch.delenv("OPENAI_API_KEY")
    result = run(write(tmp_path), "--credentials")

    assert 1 == result.exit_code
    assert "OPENAI_API_KEY" in result.output
    assert "value-of-the-key" not in result.output


def test_a_command_is_run_and_a_token_endpoint_is_not_asked(tmp_path):
    told = {}
    for source in ("command: [/bin/echo, value-of-the-key]", "command: [/bin/false]", "google: {}", "google: {file: none.json}"):
        result = run(write(tmp_path, BASE.replace("env: OPENAI_API_KEY", source)), "--credentials")
        told[source] = result.exit_code
        assert "value-of-the-key" not in result.output

    assert [0, 1, 0, 1] == list(told.values())


def test_files_may_be_missing_where_the_policy_runs_elsewhere(tmp_path):
    path = write(tmp_path, BASE.replace("dialect: anthropic}", "dialect: anthropic, tls: {ca: none.pem}}"))

    assert 1 == run(path).exit_code
    assert 0 == run(path, "--elsewhere").exit_code


def test_schema():
    assert "Outgate policy" == orjson.loads(run("--schema").output)["title"]


def test_a_code_is_explained():
    result = run("--explain", "e_stale_read")

    assert 0 == result.exit_code
    assert result.output.startswith("E_STALE_READ: ")
    assert "repair: " in result.output
    assert "did you mean E_STALE_READ" in run("--explain", "E_STALE_RED").output
    assert "docs/reference/denials.md" in run("--explain", "budget_exhausted").output


@pytest.mark.slow
def test_a_check_without_tests_is_quick_and_loads_no_client(tmp_path):
    """It runs whenever an editor saves: a second of CPU, with bytecode that is there, as it is where outgate is installed."""
    alone = tmp_path / "policy.yaml"
    alone.write_text((ROOT / "policies/default.yaml").read_text())
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(tmp_path / "pycache"), "PYTHONDONTWRITEBYTECODE": ""}
    code = (
        "import sys, time; from outgate.cli.main import cli\n"
        "try: cli(['check', sys.argv[1]])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(time.process_time(), [name for name in sys.modules if name in ('aiohttp', 'presidio_analyzer', 'mitmproxy')])"
    )
    told = [
        subprocess.run([sys.executable, "-c", code, str(alone)], env=env, capture_output=True, text=True, check=True).stdout
        for _ in range(4)
    ]

    assert all(each.endswith("[]\n") for each in told)
    quickest = min(float(each.splitlines()[-1].split()[0]) for each in told)
    assert quickest < 1.5 * _PROMISED * slowness(), quickest  # half again for its neighbours


def test_without_a_file_the_variable_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTGATE_POLICY", str(write(tmp_path, BASE.replace("model_map:", "model_mapp:"))))

    result = run()

    assert (1, True) == (result.exit_code, "policy.yaml:11: E_UNKNOWN_STAGE" in result.output)
