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


def test_what_routing_decides_and_what_depends_on_it():
    result = run("policies/examples/model-routing.yaml", "--route", "chat")
    told = result.output.partition("decided by route")[2].partition("runs again")[0]

    assert "asked for as auto; any other name stays" in told
    assert "2. semantic: coder (10 phrases), chat (10 phrases); 10 of none" in told
    assert "depends on it: model_map, authorize_model" in told
    plans = orjson.loads(run("policies/examples/model-routing.yaml", "--route", "chat", "--json").output)
    assert "dispatch" in next(iter(plans.values()))["decisions"]["route"]["dependents"]
