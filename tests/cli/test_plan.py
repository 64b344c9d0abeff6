import re

import orjson
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import BASE, write


def run(*args):
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["plan", *map(str, args)])


TEAMS = """
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map:
    passthrough: true
    models: {fast: [{provider: openai, model: gpt-4o-mini}, {provider: openai, model: gpt-4o}]}
  authorize_model:
    allow:
      - {workloads: [alpha], models: ["gpt-*"], providers: [openai]}
      - {groups: [lab], models: [o3]}
  count_tokens: {}
  token_budget:
    limits:
      - {name: all, tokens: 5000000, window: month}
      - {name: beta, tokens: 1000, window: 60, workload: beta, per: [model]}
"""


def test_a_policy_on_one_screen_has_a_line_for_each_route_and_a_table_for_each_workload(tmp_path):
    before, _, after = BASE.partition("stages:")
    text = before.replace("  alpha:", "  beta: {groups: [lab]}\n  alpha:") + TEAMS + after[after.index("routes:") :]
    lines = run(write(tmp_path, text)).output.splitlines()
    rows = {line.split()[0]: re.split(r"  +", line) for line in lines if line.startswith(("alpha", "beta"))}

    (at,) = [at for at, line in enumerate(lines) if line.startswith("chat: ")]
    assert lines[at + 1].startswith("    authenticate → authorize → ")
    assert " → token_budget → " in lines[at + 1]
    assert ["gpt-* of openai", "all: 5,000,000 a month", "fast: openai/gpt-4o-mini; openai/gpt-4o"] == rows["alpha"][2:]
    assert ["o3", "all: 5,000,000 a month; beta: 1,000 a 60 s, each model"] == rows["beta"][2:4]
    assert len(lines) < 12


def test_a_screen_of_a_hundred_columns_has_room_for_the_default_policy():
    lines = CliRunner(env={"COLUMNS": "100"}).invoke(cli, ["plan", "policies/default.yaml"]).output.splitlines()

    assert max(map(len, lines)) <= 100
    assert len(lines) <= 18
    assert [line for line in lines if line.startswith("… ")] == [
        "… pick_backend → pick_endpoint → encode_request → inject_credentials → originate_tls → dispatch"
    ]


def test_a_policy_nobody_may_use_says_what_adds_somebody(tmp_path):
    assert "`outgate workload add` adds one" in run("policies/default.yaml").output


def test_all_plans_as_text(tmp_path):
    result = run(write(tmp_path), "--why", "--retry")

    assert 0 == result.exit_code
    for word in ("== CONNECT", "== request head", "== route chat", "dispatch", "runs again on failure", "retries: "):
        assert word in result.output


def test_reasons_and_failures_each_by_itself(tmp_path):
    why, retry = (run(write(tmp_path), option).output for option in ("--why", "--retry"))

    assert ("after authenticate" in why, "runs again on failure" in why, "retries: " in why) == (True, False, False)
    assert ("after authenticate" in retry, "runs again on failure" in retry, "retries: " in retry) == (False, True, True)


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
    result = run("policies/examples/model-routing.yaml", "--route", "chat", "--why")
    told = result.output.partition("decided by route")[2].partition("runs again")[0]

    assert "asked for as auto; any other name stays" in told
    assert "2. semantic: coder (10 phrases), chat (10 phrases); 10 of none" in told
    assert "depends on it: model_map, authorize_model" in told
    plans = orjson.loads(run("policies/examples/model-routing.yaml", "--route", "chat", "--json").output)
    assert "dispatch" in next(iter(plans.values()))["decisions"]["route"]["dependents"]


def test_without_a_file_the_variable_names_it(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTGATE_POLICY", str(write(tmp_path, BASE.replace("name: chat", "name: talk"))))

    assert "talk: /v1/chat/completions" in run().output
