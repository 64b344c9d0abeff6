"""The mistakes of somebody who writes a first policy: each is told once, and what is told leads straight to the repair."""

import pytest

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.source import parse_source

POLICY = """\
version: 1
providers:
  openai:
    host: api.openai.com
    credential: {env: OPENAI_API_KEY}
  anthropic: {host: api.anthropic.com, dialect: anthropic}
workloads:
  app: {groups: [research], token_hashes: ["sha256:%s"]}
stages:
  authenticate: {}
  authorize: {allow: [{workloads: [app]}]}
  redact: {}
  model_map: {passthrough: true}
  cache: {}
  count_tokens: {}
  token_budget: {limits: []}
routes:
  - name: chat
    match: {paths: [/v1/chat/completions]}
""" % ("0" * 64)


def problems(text):
    try:
        return load_source(parse_source(text, "p.yaml")).warnings
    except PolicyError as error:
        return error.problems


def test_the_policy_itself_is_sound():
    assert () == problems(POLICY)


@pytest.mark.parametrize(
    ("wrong", "right", "code", "line", "repair"),
    [
        ("    host:api.openai.com", "    host: api.openai.com", "E_YAML", 5, "with the space"),
        ("credential: sk-proj-abcdefghijklmnop1234", "credential: {env: OPENAI_API_KEY}", "E_SECRET_INLINE", 5, "`env: NAME`"),
        ("type: anthropic", "dialect: anthropic", "E_UNKNOWN_KEY", 6, "did you mean `dialect`?"),
        (
            "match: {provider: openai}",
            "match: {paths: [/v1/chat/completions]}",
            "E_UNKNOWN_KEY",
            19,
            "did you mean `destinations`?",
        ),
        ("token_budget: {tokens: 5}", "token_budget: {limits: []}", "E_UNKNOWN_KEY", 16, "under `stages.token_budget.limits.N`"),
        ("redact: {entities: [EMAIL]}", "redact: {}", "E_VALUE", 12, "did you mean `EMAIL_ADDRESS`?"),
        (
            "redact: {}\n  admit_parts: {allow_unjudged: [images]}",
            "redact: {}",
            "E_VALUE",
            13,
            "did you mean `image`?",
        ),
        ("", "  count_tokens: {}\n", "E_NO_PRODUCER", 15, "let this route have `count_tokens`"),
        ("raw_to: [openai]\nstages:", "stages:", "E_UNKNOWN_KEY", 9, "`raw_to` belongs under `stages.redact`"),
        ("upstreams: {}\nstages:", "stages:", "E_UNKNOWN_KEY", 9, "did you mean `providers`?"),
        ("    retry: {backoff: 3}\n    match:", "    match:", "E_VALUE", 19, "write a list of 2"),
        ("    pin: [redakt, cache]\n    match:", "    match:", "E_UNKNOWN_STAGE", 19, "did you mean 'redact'?"),
        ("    after: {redact: [dispatch]}\n    match:", "    match:", "E_CYCLE", 18, "remove dispatch from the `after` of redact"),
        ("anthropic, aliases: [api.openai.com]}", "anthropic}", "E_ALIAS_TWICE", 6, "keep it at one of them"),
        ("routes: []\n", POLICY[POLICY.index("routes:") :], "W_NO_ROUTES", 17, "`- name: all`"),
        ("workloads: [ap]", "workloads: [app]", "E_UNKNOWN_WORKLOAD", 11, "did you mean 'app'?"),
    ],
)
def test_one_mistake_is_one_problem_with_its_repair(wrong, right, code, line, repair):
    assert right in POLICY
    (found,) = problems(POLICY.replace(right, wrong, 1))

    assert (code, line) == (found.code, found.line)
    assert repair in found.repair


def test_a_section_left_empty_is_told_as_such_and_what_it_would_define():
    text = "".join(line for line in POLICY.splitlines(keepends=True) if not line.startswith("  app:"))

    assert [("E_VALUE", "or remove the key"), ("E_UNKNOWN_WORKLOAD", "add it under `workloads`")] == [
        (each.code, each.repair.partition(", ")[2] or each.repair.partition(": ")[2]) for each in problems(text)
    ]


def test_what_a_route_lacks_is_named_by_the_stage_that_gives_it():
    found = problems(POLICY.replace("match:", "stages: {model_map: false}\n    match:"))

    assert {"E_NO_PRODUCER"} == {each.code for each in found}
    assert [] == [each.repair for each in found if not each.repair.startswith("let this route have `model_map`")]
    assert ["or remove encode_request" in each.repair for each in found if "encode_request" in each.stages] == [False]
