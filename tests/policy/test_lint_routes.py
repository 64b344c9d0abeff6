"""Warnings of routes that drop what the policy set, or let pass what nothing reads."""

import pytest

from outgate.policy.load import load_source
from outgate.policy.source import parse_source

MAP = "  model_map: {models: {fast: [{provider: openai, model: gpt-4o-mini}]}}\n"
MATCH = "match: {paths: [/v1/chat/completions]}"
POLICY = f"""\
version: 1
gateway: {{limits: {{}}}}
providers:
  openai: {{host: api.openai.com}}
  other: {{host: other.test}}
workloads:
  app: {{token_hashes: ["sha256:{"0" * 64}"]}}
stages:
  authenticate: {{}}
  authorize: {{allow: [{{}}]}}
{MAP}  authorize_model: {{allow: [{{}}]}}
routes:
  - name: chat
    {MATCH}
"""
ADMITTING = "  admit_parts: {allow_unjudged: [image]}\n"


def warnings(text):
    return [(problem.code, problem.line) for problem in load_source(parse_source(text, "p.yaml")).warnings]


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        ((MATCH, f"{MATCH}\n    inherit: [authenticate, authorize]"), 16, "authorize_model"),
        ((MATCH, f"{MATCH}\n    inherit: false\n    stages: {{authenticate: {{}}, authorize: {{}}}}"), 16, "authorize_model"),
        ((MATCH, f"{MATCH}\n    stages: {{authorize_model: {{allow: []}}}}"), 16, "`allow` of `authorize_model` anew"),
        ((MATCH, f"{MATCH}\n    stages: {{admit_parts: {{allow_unjudged: [file]}}}}"), 17, "`admit_parts` anew, without image"),
    ],
)
def test_a_route_that_drops_what_the_policy_set(change, line, told):
    text = POLICY.replace(*change)
    if "image" in told:
        text = text.replace(MAP, MAP + ADMITTING)
    (found,) = load_source(parse_source(text, "p.yaml")).warnings

    assert ("W_STAGES_DROPPED", line) == (found.code, found.line)
    assert told in found.message


@pytest.mark.parametrize(
    "more",
    [
        "inherit: [authenticate, authorize]\n    stages: {authorize_model: false}",
        "stages: {authorize_model: {allow: []}}\n    replace: [authorize_model]",
        "stages: {admit_parts: {allow_unjudged: [image, file]}}",
    ],
)
def test_what_a_route_says_that_it_drops_is_not_told(more):
    text = POLICY.replace(MATCH, f"{MATCH}\n    {more}").replace(MAP, MAP + ADMITTING)

    assert [] == warnings(text)


UNREAD = "\n    stages: {admit_parts: {allow_unjudged: [opaque]}}"


@pytest.mark.parametrize(
    ("match", "codes"),
    [
        ("match: {paths: [/v1/audio]}", ["W_UNREAD"]),
        ("match: {paths: ['/v1/chat/**']}", ["W_UNREAD"]),
        ("match: {paths: ['/**']}", ["W_UNREAD"]),
        ("match: {kinds: [opaque]}", ["W_UNREAD"]),
        ("match: {kinds: [chat]}", []),
        ("match: {paths: [/health], methods: [GET]}", []),
        ("match: {paths: [/v1/chat/completions]}", []),
    ],
)
def test_a_route_whose_bodies_nothing_reads(match, codes):
    assert codes == sorted(code for code, _ in warnings(POLICY.replace(MATCH, match + UNREAD)))


def test_it_is_told_whether_anything_reads_what_leaves():
    def told(text):
        (found,) = load_source(parse_source(text.replace(MATCH, "match: {paths: [/v1/audio]}" + UNREAD), "p.yaml")).warnings
        return found.message

    assert "no guard" in told(POLICY) and "redacted" in told(POLICY)
    assert "no guard" not in told(POLICY.replace(MAP, f"{MAP}  prompt_guard: {{}}\n"))


@pytest.mark.parametrize(("stage", "key"), [("redact", "entities"), ("prompt_guard", "channels")])
def test_a_guard_that_a_route_emptied_is_told(stage, key):
    whole = POLICY.replace(MAP, f"{MAP}  admit_parts: {{}}\n  {stage}: {{}}\n")
    emptied = whole.replace(MATCH, f"{MATCH}\n    stages: {{{stage}: {{{key}: []}}}}")
    codes = [code for code, _ in warnings(emptied)]

    assert "W_STAGE_IDLE" in codes
    assert "W_STAGE_IDLE" not in [code for code, _ in warnings(whole)]
