import asyncio

import pytest

from outgate.errors import PolicyError
from outgate.testing.behaviour import run_behaviour
from support.policies import BASE, write

REQUEST = """\
- name: it
  request:
    workload: alpha
    destination: openai
    path: /v1/chat/completions
    headers: {authorization: Bearer mine, user-agent: t}
    body: {model: gpt-4o, messages: [{role: user, content: hello}]}
"""


def run(tmp_path, expect, request=REQUEST, policy=BASE):
    path = write(tmp_path, policy)
    write(tmp_path, f"{request}  expect: {expect}\n", "policy.test.yaml")
    count, failed = asyncio.run(run_behaviour(path))
    assert 1 == count
    return [difference for each in failed for difference in each.differences]


@pytest.mark.parametrize(
    "expect",
    [
        "{decision: allowed}",
        "{decision: allowed, route: chat, order: [authenticate, model_map, encode_request], not_run: [close_exchange]}",
        "{decision: allowed, upstream: {provider: openai, host: api.openai.com, sni: api.openai.com, path: /v1/chat/completions}}",
        "{decision: allowed, upstream: {credential: true, headers: {authorization: null, user-agent: t}, body: {model: gpt-4o}}}",
        "{decision: allowed, upstream: {body: {messages: [{role: user, content: hello}]}, body_lacks: [mine], body_has: [hello]}}",
    ],
)
def test_what_is_so_passes(tmp_path, expect):
    assert [] == run(tmp_path, expect)


@pytest.mark.parametrize(
    ("expect", "word"),
    [
        ("{decision: denied}", "decision"),
        ("{decision: allowed, route: other}", "route"),
        ("{decision: allowed, order: [encode_request, authenticate]}", "order"),
        ("{decision: allowed, order: [cache]}", "order"),
        ("{decision: allowed, not_run: [authorize]}", "authorize ran"),
        ("{decision: allowed, upstream: {provider: anthropic}}", "provider"),
        ("{decision: allowed, upstream: {host: example.com}}", "host"),
        ("{decision: allowed, upstream: {sni: example.com}}", "sni"),
        ("{decision: allowed, upstream: {path: /v2}}", "path"),
        ("{decision: allowed, upstream: {credential: false}}", "credential"),
        ("{decision: allowed, upstream: {headers: {user-agent: null}}}", "user-agent"),
        ("{decision: allowed, upstream: {headers: {authorization: x}}}", "authorization"),
        ("{decision: allowed, upstream: {body: {model: other}}}", "body.model"),
        ("{decision: allowed, upstream: {body: {messages: []}}}", "body.messages"),
        ("{decision: allowed, upstream: {body_lacks: [hello]}}", "hello"),
        ("{decision: allowed, upstream: {body_has: [hello, goodbye]}}", "does not hold 'goodbye'"),
        ("{decision: allowed, answer_contains: x}", "answer"),
    ],
)
def test_what_is_not_so_fails_and_says_what(tmp_path, expect, word):
    differences = run(tmp_path, expect)

    assert differences
    assert any(word in difference for difference in differences)


ANSWER = """\
  answer:
    body: {id: c, choices: [{index: 0, message: {role: assistant, content: good news}, finish_reason: stop}]}
"""
STREAM = """\
  answer:
    events:
      - {id: c, choices: [{index: 0, delta: {content: good }, finish_reason: null}]}
      - {id: c, choices: [{index: 0, delta: {content: news}, finish_reason: stop}]}
      - "[DONE]"
"""


@pytest.mark.parametrize(("answer", "text"), [(ANSWER, "good news"), (STREAM, "[DONE]")])
def test_the_providers_answer_can_be_given(tmp_path, answer, text):
    given = REQUEST.replace("messages:", "stream: true, messages:") if answer is STREAM else REQUEST

    assert [] == run(tmp_path, f"{{decision: allowed, answer_contains: '{text}', answer_lacks: [bad]}}", given + answer)
    assert ["the answer holds 'news'"] == run(tmp_path, "{decision: allowed, answer_lacks: [news]}", given + answer)


def test_denials_by_code_status_and_stage(tmp_path):
    anonymous = REQUEST.replace("    workload: alpha\n", "")

    assert [] == run(
        tmp_path, "{decision: denied, code: proxy_authentication_required, status: 407, stage: authenticate}", anonymous
    )
    assert run(tmp_path, "{decision: denied, code: other}", anonymous)
    assert run(tmp_path, "{decision: denied, stage: authorize}", anonymous)
    assert run(tmp_path, "{decision: denied, status: 401}", anonymous)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("destination: openai", "destination: 'example.com:443'"), "destination_denied"),
        (("/v1/chat/completions", "/v1/files"), "no_route"),
        (("/v1/chat/completions", "/v1/../x"), "bad_path"),
        (("body: {", "body: '{"), "malformed_json"),
    ],
)
def test_refusals_of_the_gateway_itself(tmp_path, change, code):
    request = REQUEST.replace(*change)
    if code == "malformed_json":
        request = REQUEST[: REQUEST.index("    body")] + "    body: '{\"model\"'\n"

    assert [] == [found for found in run(tmp_path, "{decision: denied}", request) if code != "malformed_json" or "allowed" in found]
    if code != "malformed_json":
        assert [] == run(tmp_path, f"{{decision: denied, code: {code}}}", request)


def test_the_exchange_itself_judges_what_stands_before_every_stage(tmp_path):
    small = BASE.replace("version: 1\n", "version: 1\ngateway: {limits: {body_bytes: 20}}\n")
    coded = REQUEST.replace("user-agent: t", "content-encoding: zzz")

    assert [] == run(tmp_path, "{decision: denied, code: body_too_large, status: 413, not_run: [model_map]}", policy=small)
    assert [] == run(tmp_path, "{decision: denied, code: encoding_unknown, status: 415, not_run: [model_map]}", coded)


def test_what_every_stage_did_to_the_request_is_compared_with_what_the_client_was_given(tmp_path):
    canned = BASE.replace("  model_map:", "  list_models: {offers: [{models: [gpt-4o]}]}\n  model_map:")
    canned = canned.replace("routes:\n", "routes:\n  - name: list\n    match: {paths: [/v1/models]}\n")
    listing = REQUEST[: REQUEST.index("    body")].replace("/v1/chat/completions", "/v1/models\n    method: GET")

    assert [] == run(tmp_path, "{decision: answered, stage: list_models, status: 200, not_run: [dispatch]}", listing, canned)
    assert [] == run(tmp_path, "{decision: allowed, order: [encode_request, dispatch]}")


def test_a_workload_may_be_made_up_for_the_test(tmp_path):
    policy = BASE.replace("allow: [{}]", "allow: [{groups: [research]}]")
    insider = REQUEST.replace("workload: alpha", "workload: {name: beta, groups: [research]}")
    outsider = REQUEST.replace("workload: alpha", "workload: {name: gamma}")

    assert [] == run(tmp_path, "{decision: allowed}", insider, policy)
    assert [] == run(tmp_path, "{decision: denied, code: not_authorized}", outsider, policy)


@pytest.mark.parametrize("via", ["connect", "absolute_form", "base_url"])
def test_every_way_in(tmp_path, via):
    assert [] == run(tmp_path, "{decision: allowed}", REQUEST.replace("    path:", f"    via: {via}\n    path:"))


def test_one_test_does_not_spend_what_another_needs(tmp_path):
    limit = "limits: [{name: all, tokens: 300, window: day}], max_output_tokens: 200"
    policy = write(tmp_path, BASE.replace("  model_map:", f"  count_tokens: {{}}\n  token_budget: {{{limit}}}\n  model_map:"))
    write(tmp_path, f"{REQUEST}  expect: {{decision: allowed}}\n" * 3, "policy.test.yaml")

    assert (3, ()) == asyncio.run(run_behaviour(policy))


def test_a_policy_without_tests_has_none(tmp_path):
    assert (0, ()) == asyncio.run(run_behaviour(write(tmp_path)))


def test_a_test_file_that_is_wrong_is_reported_with_its_lines(tmp_path):
    path = write(tmp_path)
    write(tmp_path, "- name: it\n  request: {destination: openai}\n  expect: {decision: perhaps}\n", "policy.test.yaml")
    with pytest.raises(PolicyError) as caught:
        asyncio.run(run_behaviour(path))

    assert [("E_TEST", 2), ("E_TEST", 3)] == [(problem.code, problem.line) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("expect", "told"),
    [
        ("order: [translate]", "there is no stage 'translate', did you mean 'encode_request'?"),
        ("not_run: [cahce]", "there is no stage 'cahce', did you mean 'cache'?"),
        ("not_run: [xyzzy]", "there is no stage 'xyzzy'"),
    ],
)
def test_a_stage_that_does_not_exist_is_refused_for_it_would_never_run(tmp_path, expect, told):
    path = write(tmp_path)
    write(tmp_path, f"{REQUEST}  expect: {{decision: allowed, {expect}}}\n", "policy.test.yaml")
    with pytest.raises(PolicyError) as caught:
        asyncio.run(run_behaviour(path))

    (problem,) = caught.value.problems
    assert told in f"{problem.message} {problem.repair}"
