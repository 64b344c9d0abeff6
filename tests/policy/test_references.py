import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_policy
from outgate.policy.references import models_allowed, models_named
from outgate.policy.source import read_source
from outgate.policy.stage_types import Ports
from support.policies import BASE, write


def errors(tmp_path, text):
    try:
        return [(each.code, each.line, each.repair) for each in load_policy(write(tmp_path, text)).warnings if each.is_error]
    except PolicyError as error:
        return [(each.code, each.line, each.repair) for each in error.problems if each.is_error]


@pytest.mark.parametrize(
    ("line", "code", "meant"),
    [
        ("authorize: {allow: [{}, {providers: [opnai]}]}", "E_UNKNOWN_PROVIDER", "openai"),
        ("authorize: {allow: [{workloads: [alfa]}]}", "E_UNKNOWN_WORKLOAD", "alpha"),
        ("authorize: {allow: [{groups: [reserch]}]}", "E_UNKNOWN_GROUP", "research"),
        ("authorize_model: {allow: [{providers: [antropic]}]}", "E_UNKNOWN_PROVIDER", "anthropic"),
        ("authorize_model: {allow: [{workloads: [alpa]}]}", "E_UNKNOWN_WORKLOAD", "alpha"),
        ("list_models: {offers: [{models: [m], workloads: [alpa]}]}", "E_UNKNOWN_WORKLOAD", "alpha"),
        ("model_map: {models: {m: [{provider: openai, model: x}, {provider: opnai, model: x}]}}", "E_UNKNOWN_PROVIDER", "openai"),
        ("model_map: {default: {provider: opnai, model: x}}", "E_UNKNOWN_PROVIDER", "openai"),
        ("{count_tokens: {}, token_budget: {limits: [{name: day, tokens: 5, workload: alpa}]}}", "E_UNKNOWN_WORKLOAD", "alpha"),
    ],
)
def test_a_rule_that_names_nothing_is_refused_where_it_stands(tmp_path, line, code, meant):
    expected = [(code, 16, f"did you mean {meant!r}?")]

    assert expected == errors(tmp_path, BASE + "    stages:\n      " + line + "\n")


def test_names_are_checked_in_the_scopes_of_the_policy_and_of_a_provider(tmp_path):
    text = BASE.replace("allow: [{}]", "allow: [{workloads: [alpa]}]")
    text = text.replace("dialect: anthropic}", "dialect: anthropic, stages: {authorize: {allow: [{workloads: [alhpa]}]}}}")

    assert [4, 10] == [line for code, line, _ in errors(tmp_path, text) if code == "E_UNKNOWN_WORKLOAD"]


def test_a_name_without_a_near_one_is_answered_with_all_there_are(tmp_path):
    text = BASE.replace("allow: [{}]", "allow: [{providers: ['*']}]")

    assert [("E_UNKNOWN_PROVIDER", 10, "name one of: anthropic, openai")] == errors(tmp_path, text)


@pytest.mark.parametrize("workload", ["'*'", "alp*", "alpha"])
def test_a_budget_takes_a_glob_over_workloads(tmp_path, workload):
    text = (
        BASE + f"    stages: {{count_tokens: {{}}, token_budget: {{limits: [{{name: day, tokens: 5, workload: {workload}}}]}}}}\n"
    )

    assert [] == errors(tmp_path, text)


def test_groups_that_an_issuer_gives_are_not_known_beforehand(tmp_path):
    trust = "{issuer: i, audience: a, jwks: {provider: openai, path: /jwks}, groups_claim: groups}"
    text = BASE.replace("{groups: [research]}", f"{{jwt: [{trust}]}}").replace("allow: [{}]", "allow: [{groups: [any]}]")

    assert [] == errors(tmp_path, text)


def test_a_provider_that_is_broken_otherwise_is_still_a_name(tmp_path):
    text = BASE.replace("dialect: anthropic}", "dialekt: anthropic}")
    text = text.replace("{passthrough: true}", "{models: {m: [{provider: anthropic, model: x}]}}")

    assert ["E_UNKNOWN_KEY"] == [code for code, _, _ in errors(tmp_path, text)]


NAMING = """
  - name: more
    stages:
      model_map: {default: {provider: openai, model: by-default}, models: {alias: [{provider: openai, model: by-alias}]}}
      authorize_model: {allow: [{models: ["gpt-*", allowed]}]}
      list_models: {offers: [{models: [offered, "o?"]}]}
      count_tokens: {}
      token_budget: {limits: [{name: day, tokens: 5, model: limited}, {name: all, tokens: 5}]}
"""


def test_models_that_stand_in_the_policy_by_their_own_names(tmp_path):
    text = BASE.replace("dialect: anthropic}", "dialect: anthropic, prices: {priced: {input: 1, output: 2}}}") + NAMING

    assert {"by-default", "by-alias", "allowed", "offered", "limited", "priced"} == models_named(read_source(write(tmp_path, text)))


def test_permissions_by_pattern_are_told_from_those_that_say_nothing_of_a_name(tmp_path):
    text = BASE + NAMING + '      authorize: {allow: [{models: ["**", "*/*"]}]}\n'

    assert ("allowed", "gpt-*") == models_allowed(read_source(write(tmp_path, text)))


def test_the_meter_is_told_which_models_the_policy_names(tmp_path):
    policy = load_policy(write(tmp_path, BASE + NAMING), Ports())
    [meter] = [stage for stage in policy.stages if stage.name == "close_exchange"]

    assert ["by-alias", "other"] == [meter._names.label(model, "w", answered=False) for model in ("by-alias", "by-nobody")]
