import orjson
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import BASE, write

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
    result = run(write(tmp_path, BASE.replace("model_map", "modelmap").replace("openai,", "gemini,")))

    assert 1 == result.exit_code
    assert "policy.yaml:3: E_VALUE" in result.output
    assert "policy.yaml:11: E_UNKNOWN_STAGE" in result.output
    assert "repair: did you mean 'model_map'?" in result.output


def test_a_failing_test_ends_with_1_and_says_what(tmp_path):
    write(tmp_path, TEST % "denied", "policy.test.yaml")
    result = run(write(tmp_path))

    assert 1 == result.exit_code
    assert "decision: expected denied, got allowed" in result.output


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


def test_files_may_be_missing_where_the_policy_runs_elsewhere(tmp_path):
    path = write(tmp_path, BASE.replace("dialect: anthropic}", "dialect: anthropic, tls: {ca: none.pem}}"))

    assert 1 == run(path).exit_code
    assert 0 == run(path, "--elsewhere").exit_code


def test_schema():
    assert "Outgate policy" == orjson.loads(run("--schema").output)["title"]
