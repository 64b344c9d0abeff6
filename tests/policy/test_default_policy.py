"""policies/default.yaml and policies/examples/: sound, in the designed order, and behaving as their tests say."""

import asyncio
from pathlib import Path

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_policy
from outgate.policy.reference import policy_schema, policy_schema_bytes
from outgate.testing.behaviour import run_behaviour

POLICIES = Path(__file__).parents[2] / "policies"
DEFAULT = POLICIES / "default.yaml"
EXAMPLES = sorted(path for path in (POLICIES / "examples").glob("*.yaml") if not path.name.endswith(".test.yaml"))

GOLDEN = [
    "authenticate", "authorize", "prompt_guard", "redact", "model_map", "authorize_model", "cache_control", "select_headers",
    "cache", "cache_join",
    "count_tokens", "answer_count", "token_budget", "pick_backend", "pick_endpoint", "encode_request",
    "inject_credentials", "originate_tls", "dispatch",
]  # fmt: skip
RESPONSE = ["cache_record", "restore", "close_exchange", "cache_write"]


def chat(path=DEFAULT):
    return next(route.plan for route in load_policy(path).routes if route.name == "chat")


def test_golden_order_of_the_request_plan():
    assert GOLDEN == [step.name for step in chat().request if step.name != "admit_parts"]


def test_golden_order_of_the_response_plan():
    plan = chat()

    assert RESPONSE == [step.name for phase in (plan.response, plan.streams, plan.close, plan.after) for step in phase]


def test_what_is_unread_is_judged_before_anything_is_looked_up_or_sent():
    order = [step.name for step in chat().request]

    assert order.index("authorize") < order.index("admit_parts") < order.index("cache")


@pytest.mark.parametrize(
    "pin", ["cache, token_budget, redact", "cache, model_map, token_budget", "token_budget, count_tokens, route"]
)
def test_cache_limits_then_routing_is_refused(tmp_path, pin):
    path = tmp_path / "policy.yaml"
    path.write_text(DEFAULT.read_text().replace("  - name: chat\n", f"  - name: chat\n    pin: [{pin}]\n"))
    with pytest.raises(PolicyError) as caught:
        load_policy(path)

    codes = {problem.code for problem in caught.value.problems}
    assert codes & {"E_STALE_CACHE_KEY", "E_STALE_CHARGE"}
    assert all(problem.file and problem.line for problem in caught.value.problems)


def test_the_default_policy_has_no_error_and_names_no_secret():
    policy = load_policy(DEFAULT)

    assert [] == [problem for problem in policy.warnings if problem.is_error]
    assert ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"] == [b.credential.env for b in policy.catalog.backends if b.credential]
    assert ["models", "chat", "embeddings"] == list(dict.fromkeys(route.name for route in policy.routes))


INTENDED = {"external-guard": {"W_FAIL_OPEN"}, "passthrough": {"W_UNREAD"}, "placeholders": {"W_UNREAD"}}
"""Warnings by which an example says what it costs; all are without tokens, and some without files of another machine."""


@pytest.mark.parametrize("path", [DEFAULT, POLICIES / "demo.yaml", *EXAMPLES], ids=lambda path: path.stem)
def test_what_is_shipped_is_warned_of_nothing_else(path):
    codes = {problem.code for problem in load_policy(path, elsewhere=True).warnings}

    assert INTENDED.get(path.stem, set()) == codes - {"W_WORKLOAD_LOCKED_OUT", "W_MISSING_FILE"}


@pytest.mark.slow
@pytest.mark.parametrize("path", [DEFAULT, *EXAMPLES], ids=lambda path: path.stem)
def test_it_behaves_as_its_tests_say(path):
    count, failed = asyncio.run(run_behaviour(path, elsewhere=True))

    assert () == failed
    assert count


def test_there_is_an_example_of_each_kind():
    names = {path.stem for path in EXAMPLES}

    assert {"base-url", "cluster-alias", "mtls-upstream", "jwt-workloads", "passthrough", "canned-answer"} <= names


def test_the_schema_for_editors_is_current():
    assert policy_schema_bytes() == (POLICIES / "schema.json").read_bytes(), "run: outgate check --schema > policies/schema.json"


def test_the_schema_knows_every_stage_and_its_settings():
    stages = policy_schema()["$defs"]["Stages"]

    assert {"authenticate", "token_budget", "dispatch"} <= set(stages["properties"])
    assert stages["additionalProperties"] is False
    assert all(each["description"] for each in stages["properties"].values())
