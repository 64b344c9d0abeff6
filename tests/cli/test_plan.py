import orjson
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import write


def run(*args):
    return CliRunner().invoke(cli, ["plan", *map(str, args)])


def test_all_plans_as_text(tmp_path):
    result = run(write(tmp_path))

    assert 0 == result.exit_code
    for word in ("== CONNECT", "== request head", "== route chat", "dispatch", "runs again on failure"):
        assert word in result.output


def test_one_route_as_json(tmp_path):
    plans = orjson.loads(run(write(tmp_path), "--route", "chat", "--json").output)

    assert 1 == len(plans)
    (plan,) = plans.values()
    assert "dispatch" == plan["order"]["request"][-1]["stage"]
    assert plan["edges"]
    assert "reruns" in plan


def test_a_route_that_is_not_there(tmp_path):
    result = run(write(tmp_path), "--route", "none")

    assert 2 == result.exit_code
    assert "chat" in result.output


def test_a_refused_policy(tmp_path):
    result = run(write(tmp_path, "stages: {nope: {}}"))

    assert 1 == result.exit_code
    assert "E_UNKNOWN_STAGE" in result.output
