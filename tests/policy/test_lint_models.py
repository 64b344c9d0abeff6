"""A name that `route` chooses stands in `model_map`; otherwise the policy is refused, at the line of the name."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source

POLICY = """\
version: 1
gateway: {limits: {}}
providers:
  openai: {host: api.openai.com}
workloads:
  app: {token_hashes: ["sha256:%s"]}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map: {models: {fast: [{provider: openai, model: gpt-4o-mini}], "big-*": [{provider: openai, model: "gpt-{1}"}]}}
  authorize_model: {allow: [{}]}
  route:
    rules: RULES
routes:
  - name: chat
    match: {paths: [/v1/chat/completions]}
""" % ("0" * 64)
PHRASES = "[one two, three four, five six, seven eight, nine ten]"


def problems(rules, **changes):
    text = POLICY.replace("RULES", rules)
    for old, new in changes.items():
        text = text.replace(old, new)
    try:
        return [(each.code, each.line) for each in load_source(parse_source(text, "p.yaml")).warnings]
    except PolicyError as error:
        return [(each.code, each.line) for each in error.problems]


@pytest.mark.parametrize(
    "rules",
    [
        "[{to: fast}]",
        "[{to: big-one}]",
        "[{difficulty: {hard: big-one, easy: fast}}]",
        f"[{{semantic: {{names: {{fast: {PHRASES}}}}}}}]",
    ],
)
def test_a_name_that_is_mapped_is_told_of_nothing(rules):
    assert [] == problems(rules)


@pytest.mark.parametrize(
    "rules",
    [
        "[{to: slow}]",
        "[{difficulty: {hard: slow, easy: fast}}]",
        "[{difficulty: {hard: fast, easy: slow}}]",
        f"[{{semantic: {{names: {{slow: {PHRASES}}}}}}}]",
        "[{to: fast}]\n    on_error: {to: slow}",
    ],
)
def test_a_name_that_is_not_is_an_error(rules):
    assert "E_UNKNOWN_ALIAS" in [code for code, _ in problems(rules)]


def test_the_error_stands_at_its_line_with_the_nearest_name():
    with pytest.raises(PolicyError) as refused:
        load_source(parse_source(POLICY.replace("RULES", "\n      - {to: fast}\n      - {to: fats}"), "p.yaml"))
    (problem,) = refused.value.problems

    assert ("E_UNKNOWN_ALIAS", 15) == (problem.code, problem.line)
    assert "'fast'" in problem.repair


@pytest.mark.parametrize(("chosen", "told"), [("gpt-5", []), ("fast", []), ("big-one", []), ("fats", ["W_NEAR_ALIAS"])])
def test_where_names_pass_any_may_be_chosen_and_what_looks_like_an_alias_is_told(chosen, told):
    found = problems(f"[{{to: {chosen}}}]", **{"model_map: {": "model_map: {passthrough: true, "})

    assert told == [code for code, _ in found]


def test_a_map_that_is_wrong_is_told_once():
    assert ["E_VALUE"] == [
        code for code, _ in problems("[{to: fats}]", **{"{models: {": "{passthrough: true, models: [{", "]}}": "]}]}"})
    ]


NONE = "  tools: {host: tools.test, dialect: none}\nworkloads:"


@pytest.mark.parametrize(
    ("path", "provider", "found"),
    [
        ("/v1/chat/completions", "tools", [("E_UNTRANSLATABLE", 12)]),
        ("/v1/chat/completions", "claude", []),
        ("/v1/embeddings", "claude", []),
    ],
)
def test_a_model_map_that_crosses_dialects_is_refused_where_nothing_translates(path, provider, found):
    changes = {
        "workloads:": "  claude: {host: c.test, dialect: anthropic}\n" + NONE,
        "models: {fast: [{provider: openai": f"models: {{fast: [{{provider: {provider}",
        "match: {paths: [/v1/chat/completions]}": f"match: {{paths: [{path}], destinations: [openai]}}",
    }

    told = problems("[{to: fast}]", **changes)
    assert found == [each for each in told if each[0] == "E_UNTRANSLATABLE"]
