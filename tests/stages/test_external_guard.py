"""external_guard: a recipient that gets cleared text unless the policy says otherwise, and a plan that says so."""

from pathlib import Path

import pytest

from outgate.errors import PolicyError
from outgate.pipeline.contract import Judges, Release
from outgate.pipeline.explain import explain
from outgate.policy.load import load_policy
from outgate.policy.stage_types import Ports

POLICY = """
version: 1
providers:
  openai: {host: api.openai.com}
  desk: {host: desk.test, dialect: none}
workloads: {w: {}}
stages:
  authenticate: {}
  authorize: {allow: [{providers: [openai]}]}
  model_map: {passthrough: true}
"""


def plan(folder: Path, *stages: str):
    path = folder / "policy.yaml"
    path.write_text(POLICY + "".join(f"  {stage}\n" for stage in stages) + "routes: [{name: all}]\n")
    policy = load_policy(path, Ports())
    return policy, policy.routes[0].plan


def codes(folder: Path, *stages: str) -> set[str]:
    with pytest.raises(PolicyError) as refused:
        plan(folder, *stages)
    return {problem.code for problem in refused.value.problems}


def test_without_redaction_text_is_not_handed_out(tmp_path):
    assert {"E_TAINT"} == codes(tmp_path, "external_guard: {provider: desk}")


def test_behind_redaction_it_gets_what_was_cleared(tmp_path):
    policy, found = plan(tmp_path, "redact: {}", "external_guard: {provider: desk}")
    contract = found.contracts["external_guard"]

    assert (Judges.CLEAN, Release.THIRD_PARTY, False) == (contract.judges, contract.releases, contract.releases_raw)
    assert found.order.index("redact") < found.order.index("external_guard") < found.order.index("encode_request")
    assert "asks desk.test (webhook) about user, tool_result, cleared, within 5 s" in explain(found)
    assert "W_RAW_RELEASE" not in {warning.code for warning in policy.warnings}


def test_the_policy_may_hand_out_text_as_it_came_and_is_told_so(tmp_path):
    policy, found = plan(tmp_path, "redact: {}", "external_guard: {provider: desk, raw: true, on_error: open}")

    assert found.order.index("external_guard") < found.order.index("redact")
    assert "releases to third_party, as it came" in explain(found)
    assert {"W_RAW_RELEASE", "W_FAIL_OPEN"} <= {warning.code for warning in policy.warnings}


def test_guards_that_withhold_may_stand_around_it(tmp_path):
    stages = ("redact: {}", "prompt_guard: {action: withhold}", "external_guard: {provider: desk, action: answer}")
    _, found = plan(tmp_path, *stages)

    assert found.order.index("prompt_guard") < found.order.index("redact") < found.order.index("external_guard")
    assert "answer.form" in found.contracts["external_guard"].reads
    assert "params" not in found.contracts["external_guard"].reads


@pytest.mark.parametrize("settings", ["{}", "{provider: nobody}"])
def test_it_asks_a_provider_of_the_policy_and_no_other(tmp_path, settings):
    assert codes(tmp_path, "redact: {}", f"external_guard: {settings}") <= {"E_SETTINGS", "E_UNKNOWN_PROVIDER"}
