import re

import pytest
import trustme

from outgate.errors import PolicyError
from outgate.policy.load import load_policy
from outgate.policy.stage_types import RENAMED
from support.policies import BASE, write


def refused(tmp_path, text):
    with pytest.raises(PolicyError) as caught:
        load_policy(write(tmp_path, text))
    return caught.value.problems


def test_a_sound_policy_gives_plans_for_tunnels_heads_and_routes(tmp_path):
    policy = load_policy(write(tmp_path))

    assert ("authenticate", "authorize") == policy.connect.order
    assert ("authenticate", "authorize", "close_exchange") == policy.head.order
    assert ["chat"] == [route.name for route in policy.routes]
    assert "dispatch" == policy.routes[0].plan.request[-1].name
    assert () == tuple(problem for problem in policy.warnings if problem.is_error)


def test_all_problems_at_once_with_file_line_and_repair_in_order(tmp_path):
    text = BASE.replace("dialect: anthropic", "dialekt: anthropic").replace("model_map:", "model_mapp:")
    text += "  - name: two\n    match: {destinations: [opnai], workloads: [alfa]}\n    stages: {authorize: {alow: []}}\n"

    problems = refused(tmp_path, text)

    errors = [problem for problem in problems if problem.is_error]
    assert ["E_UNKNOWN_KEY", "E_UNKNOWN_STAGE", "E_UNKNOWN_PROVIDER", "E_UNKNOWN_WORKLOAD"] == [problem.code for problem in errors][
        :4
    ]
    assert sorted(problem.line for problem in problems) == [problem.line for problem in problems]
    assert {str(tmp_path / "policy.yaml")} == {problem.file for problem in problems}
    assert all(problem.repair for problem in errors)
    assert "`model_map`" in next(problem.repair for problem in errors if problem.code == "E_UNKNOWN_STAGE")
    assert "'openai'" in next(problem.repair for problem in errors if problem.code == "E_UNKNOWN_PROVIDER")


@pytest.mark.parametrize("broken", [("host:", "hst:"), ("- name:", "- nam:")])
def test_what_is_wrong_elsewhere_does_not_hide_the_settings_of_a_stage(tmp_path, broken):
    text = BASE.replace(*broken).replace("{passthrough: true}", "{passthrough: perhaps}")

    assert "stages.model_map.passthrough" in " ".join(problem.message for problem in refused(tmp_path, text))


def test_settings_of_a_stage_are_judged_where_they_stand(tmp_path):
    problems = refused(tmp_path, BASE + "    stages:\n      authorize:\n        alow: []\n")

    assert [("E_UNKNOWN_KEY", 17)] == [(problem.code, problem.line) for problem in problems if problem.is_error]


def test_a_stage_that_refuses_its_settings_is_a_problem_with_a_line(tmp_path):
    text = BASE.replace("{passthrough: true}", "{models: {a: []}}")

    assert [("E_SETTINGS", 11)] == [(problem.code, problem.line) for problem in refused(tmp_path, text) if problem.is_error]


@pytest.mark.parametrize("stage", ["authenticate", "authorize"])
def test_a_policy_that_would_let_everyone_in_is_refused(tmp_path, stage):
    lines = [line for line in BASE.splitlines() if not line.strip().startswith(f"{stage}:")]
    text = "\n".join(lines).replace("    allow: [{}]\n", "") if stage == "authorize" else "\n".join(lines)

    assert "E_MISSING_STAGE" in [problem.code for problem in refused(tmp_path, text)]


@pytest.mark.parametrize(
    ("right", "wrong", "code"),
    [
        ("  authenticate: {}\n", "", "E_MISSING_STAGE"),
        ("authenticate: {}", "authentcate: {}", "E_UNKNOWN_STAGE"),
        ("authenticate: {}", "authenticate: {remembr: 1}", "E_UNKNOWN_KEY"),
        ("authenticate: {}", "authenticate: 5", "E_VALUE"),
        ("{passthrough: true}", "{models: {a: []}}\n  redact: {}", "E_SETTINGS"),
        ("{passthrough: true}", "{passtrough: true}\n  redact: {}", "E_UNKNOWN_KEY"),
    ],
)
def test_one_mistake_brings_no_unrelated_errors(tmp_path, right, wrong, code):
    assert {code} == {each.code for each in refused(tmp_path, BASE.replace(right, wrong)) if each.is_error}


def test_a_route_that_drops_authentication_is_refused(tmp_path):
    codes = [problem.code for problem in refused(tmp_path, BASE + "    stages: {authenticate: false}\n")]

    assert "E_NO_PRODUCER" in codes


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    text = BASE.replace("dialect: anthropic}", "dialect: anthropic, tls: {ca: none.pem}}")

    assert [("E_MISSING_FILE", 4)] == [(problem.code, problem.line) for problem in refused(tmp_path, text)]


def test_a_credential_file_that_is_not_there_is_warned_of(tmp_path):
    text = BASE.replace("{env: OPENAI_API_KEY}", "{file: key.txt}")

    assert ("W_MISSING_FILE", 3) in [(problem.code, problem.line) for problem in load_policy(write(tmp_path, text)).warnings]
    (tmp_path / "key.txt").write_text("k")
    assert "W_MISSING_FILE" not in [problem.code for problem in load_policy(write(tmp_path, text)).warnings]


def test_two_providers_cannot_share_an_alias(tmp_path):
    text = re.sub(r"dialect: (\w+)", r"dialect: \1, aliases: [llm.local]", BASE)

    assert {("E_ALIAS_TWICE", 4)} == {(problem.code, problem.line) for problem in refused(tmp_path, text)}


def test_routes_that_are_never_reached_or_share_a_name_are_warned_of(tmp_path):
    text = BASE + "  - name: chat\n    match: {paths: [/v1/chat/completions], destinations: [openai]}\n"

    warnings = load_policy(write(tmp_path, text)).warnings

    assert {("W_ROUTE_TWICE", 15), ("W_ROUTE_UNREACHABLE", 15)} <= {(problem.code, problem.line) for problem in warnings}


def test_a_narrower_route_first_is_not_warned_of(tmp_path):
    text = BASE + "  - name: rest\n    match: {paths: ['**']}\n"

    assert not [problem for problem in load_policy(write(tmp_path, text)).warnings if problem.code.startswith("W_ROUTE")]


def test_the_revision_names_the_content_and_not_its_spelling(tmp_path):
    one = load_policy(write(tmp_path)).revision
    spelled = load_policy(
        write(tmp_path, "# a comment\n" + BASE.replace("{groups: [research]}", "\n    groups:\n      - research"))
    ).revision
    changed = load_policy(write(tmp_path, BASE.replace("research", "other"))).revision

    assert one == spelled
    assert one != changed


def test_the_revision_follows_the_files_a_policy_names(tmp_path):
    text = BASE.replace("dialect: anthropic}", "dialect: anthropic, tls: {ca: ca.pem}}")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    one = load_policy(write(tmp_path, text)).revision
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")

    assert one != load_policy(write(tmp_path, text)).revision


def test_a08_shuffled_files_give_the_same_plan(tmp_path):
    plain = load_policy(write(tmp_path))
    head, _, stages = BASE.partition("stages:\n")
    body, _, routes = stages.partition("routes:")
    shuffled = (
        head + "stages:\n  model_map: {passthrough: true}\n  authorize:\n    allow: [{}]\n  authenticate: {}\nroutes:" + routes
    )
    assert body
    other = load_policy(write(tmp_path, shuffled))

    assert plain.revision == other.revision
    assert [route.plan.hash for route in plain.routes] == [route.plan.hash for route in other.routes]


def test_a_default_model_is_warned_of_at_its_line(tmp_path):
    text = BASE.replace("{passthrough: true}", "{default: {provider: openai, model: m}}")

    assert ("W_DEFAULT_MODEL", 11) in [(problem.code, problem.line) for problem in load_policy(write(tmp_path, text)).warnings]


def test_settings_of_a_stage_are_not_asked_of_a_companion_that_has_none(tmp_path):
    text = BASE.replace("  model_map:", "  redact: {entities: [EMAIL_ADDRESS], limit: 1}\n  cache: {}\n  model_map:")
    (route,) = load_policy(write(tmp_path, text)).routes

    assert {"redact", "restore", "cache", "cache_record", "cache_write"} <= set(route.plan.order)


@pytest.mark.parametrize(("former", "name"), RENAMED.items())
def test_a_former_name_of_a_stage_is_told_its_new_one(tmp_path, former, name):
    problems = refused(tmp_path, BASE.replace("  model_map:", f"  {former}: {{}}\n  model_map:"))

    assert f"did you mean {name!r}?" in [problem.repair for problem in problems if problem.code == "E_UNKNOWN_STAGE"]


def test_a_mistake_in_inherited_settings_is_told_where_it_is_written(tmp_path):
    text = BASE.replace("  authorize:", "  redact: {entities: 5}\n  authorize:", 1) + "    stages: {redact: {fale: 1}}\n"
    lines = text.splitlines()

    told = {(problem.code, lines[problem.line - 1].strip()) for problem in refused(tmp_path, text) if problem.is_error}

    assert {("E_VALUE", "redact: {entities: 5}"), ("E_UNKNOWN_KEY", "stages: {redact: {fale: 1}}")} == told


OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
TOKENED = BASE.replace("{groups: [research]}", f'{{groups: [research], token_hashes: ["{OLD}"]}}')


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (OLD, NEW),
        ("workloads:\n", "workloads:\n  one_more: {}\n"),
        ("groups: [research]", "groups: [research, sales]"),
        ("stages:\n", "gateway: {limits: {connections: 100}}\nstages:\n"),
    ],
)
def test_who_calls_and_how_makes_another_revision_under_the_same_rules(tmp_path, now, then):
    old, new = (load_policy(write(tmp_path, text)) for text in (TOKENED, TOKENED.replace(now, then, 1)))

    assert old.revision != new.revision
    assert old.rules == new.rules


@pytest.mark.parametrize(
    ("now", "then"),
    [
        ("passthrough: true}", "passthrough: true, models: {a: [{provider: openai, model: b}]}}"),
        ("name: chat", "name: talk"),
        ("api.openai.com", "eu.api.openai.com"),
    ],
)
def test_any_other_change_makes_other_rules(tmp_path, now, then):
    assert load_policy(write(tmp_path, TOKENED)).rules != load_policy(write(tmp_path, TOKENED.replace(now, then))).rules


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{m: {engine: sentence-transformers, path: nowhere}}", "nowhere/config.json"),
        ("{m: {engine: sentence-transformers}}", "sentence-transformers, which needs it"),
        ("{m: {path: bge}}", "sentence-transformers, which needs it"),
        ("{m: {engine: sentence-transformers, path: bge, precision: int8}}", "of the engine onnx"),
        ("{m: {precision: int4}}", "did you mean `int8`"),
    ],
)
def test_a_model_that_cannot_be_is_told(tmp_path, section, told):
    with pytest.raises(PolicyError) as caught:
        load_policy(write(tmp_path, f"models: {section}\nstages: {{authenticate: {{}}, authorize: {{}}}}\n"))

    assert told in "\n".join(f"{problem.message} {problem.repair}" for problem in caught.value.problems)
