"""Warnings of what can be enforced and can never work, with code, line, stage and repair."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.reference import DIAGNOSTICS
from outgate.policy.source import parse_source

POLICY = """\
version: 1
gateway: {limits: {}}
providers:
  openai: {host: api.openai.com}
  other: {host: other.test}
workloads:
  app: {token_hashes: ["sha256:%s"]}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  model_map: {models: {fast: [{provider: openai, model: gpt-4o-mini}]}}
  authorize_model: {allow: [{}]}
routes:
  - name: chat
    match: {paths: [/v1/chat/completions]}
""" % ("0" * 64)
MAP = "  model_map: {models: {fast: [{provider: openai, model: gpt-4o-mini}]}}\n"
MATCH = "match: {paths: [/v1/chat/completions]}"
HASH = POLICY.partition("token_hashes: ")[2].partition("}")[0]


def warnings(text):
    return [(problem.code, problem.line) for problem in load_source(parse_source(text, "p.yaml")).warnings]


def test_a_policy_in_which_all_can_work_is_told_of_nothing():
    assert [] == warnings(POLICY)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({MAP: ""}, 13),
        ({MAP: "  model_map: {}\n"}, 11),
        ({MAP: "  model_map: {passthrough: false}\n"}, 11),
        ({MATCH: f"{MATCH}\n    stages: {{model_map: {{}}}}\n    replace: [model_map]"}, 16),
        ({MATCH: "match: {models: [fast, quick]}"}, 15),
        ({MATCH: 'match: {models: ["gpt-*"]}'}, 15),
        ({MATCH: "match: {kinds: [embeddings]}", MAP: "  model_map: {}\n"}, 11),
        ({MATCH: 'match: {paths: ["/v1/**"]}', MAP: ""}, 13),
        ({"openai: {host: api.openai.com}": "openai: {host: api.openai.com, stages: {model_map: {}}, replace: [model_map]}"}, 4),
    ],
)
def test_a_route_that_takes_models_its_map_does_not_know(change, line):
    text = POLICY
    for old, new in change.items():
        assert old in text
        text = text.replace(old, new)

    assert [("W_MODEL_REFUSED", line)] == warnings(text)


@pytest.mark.parametrize(
    "change",
    [
        {MAP: "  model_map: {passthrough: true}\n"},
        {MATCH: 'match: {models: ["fa*"]}'},
        {MATCH: "match: {paths: [/v1/audio, '/v1/audio/*']}", MAP: ""},
        {MATCH: "match: {methods: [GET]}", MAP: ""},
        {MATCH: "match: {kinds: [opaque, models]}", MAP: ""},
    ],
)
def test_no_map_is_missed_where_no_model_is_named_or_any_passes(change):
    text = POLICY
    for old, new in change.items():
        text = text.replace(old, new)

    assert [] == warnings(text)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ((MAP, MAP + "  dispatch: false\n"), 12),
        ((MATCH, MATCH + "\n    stages: {dispatch: false}"), 16),
        (("openai: {host: api.openai.com}", "openai: {host: api.openai.com, stages: {dispatch: false}}"), 4),
    ],
)
def test_a_route_that_sends_nothing(change, line):
    assert [("W_NO_DISPATCH", line)] == warnings(POLICY.replace(*change))


def test_a_route_that_lists_models_need_send_nothing():
    listing = "match: {paths: [/v1/models], methods: [GET]}\n    stages: {dispatch: false, list_models: {offers: []}}"

    assert [] == warnings(POLICY.replace(MATCH, listing))


@pytest.mark.parametrize("section", ["{}", "{tenant: t1}", "{token_hashes: []}", '{certificates: ["spiffe://a/b"]}'])
def test_a_workload_that_nobody_can_be(section):
    assert [("W_WORKLOAD_LOCKED_OUT", 8)] == warnings(POLICY.replace("stages:\n", f"  two: {section}\nstages:\n"))


def test_a_workload_with_a_jwt():
    jwt = "{issuer: https://i.test, audience: a, jwks: {provider: other, path: /keys}}"
    more = f"  two: {{jwt: [{jwt}]}}\nstages:\n"

    assert [] == warnings(POLICY.replace("stages:\n", more))


def test_an_error_is_told_without_what_follows_from_it():
    with pytest.raises(PolicyError) as caught:
        warnings(POLICY.replace("model_map:", "model_mapp:"))

    assert ["E_UNKNOWN_STAGE"] == [problem.code for problem in caught.value.problems]


@pytest.mark.parametrize("code", ["W_MODEL_REFUSED", "W_NO_DISPATCH", "W_WORKLOAD_LOCKED_OUT", "W_UNREAD"])
def test_each_is_explained_and_tells_a_repair(code):
    text = POLICY.replace(MAP, "  model_map: {}\n  dispatch: false\n  admit_parts: {allow_unjudged: [opaque]}\n")
    text = text.replace(f"token_hashes: {HASH}", "").replace(MATCH, "match: {paths: ['/v1/**']}")
    (found,) = [problem for problem in load_source(parse_source(text, "p.yaml")).warnings if problem.code == code]

    assert found.repair and found.file == "p.yaml"
    assert code in DIAGNOSTICS
