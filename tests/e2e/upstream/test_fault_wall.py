"""Sixteen kinds of fault of a provider that has a fallback: what the caller gets, and who was asked how often.

The kinds are those of FailoverBench. Each answer is streamed, under one route: two attempts at the endpoint, two seconds until
the first word, then the other provider.
"""

from time import monotonic

import pytest

from e2e.world import World, http, lines
from support import behaviours as b
from support.openai_answers import chat_completion, chat_events
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

STAGES = """
authenticate: {}
authorize: {allow: [{workloads: [app]}]}
model_map:
  models:
    smart:
      - {provider: openai, model: large}
      - {provider: backup, model: backup-model}
authorize_model: {allow: [{models: ["**"]}]}
"""
ROUTE = """
- name: all
  retry:
    sent: true
    same: 1
    budget: 1
    per_try: 2
    backoff: [0.05, 1.5]
    on: [connect_failed, reset_before_head, timed_out, server_error, rate_limited, not_begun, idle_connection_lost, context_length]
"""
BACKUP = """
backup:
  host: backup.test
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{env: E2E_OPENAI_KEY}}
"""
WORDS = ["one ", "two ", "three"]
GOOD = chat_events(WORDS)
TOLD = {"error": {"message": "m", "type": "invalid_request_error", "param": None}}


@pytest.fixture(name="wall", scope="module")
def _wall(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("wall"), *providers)
    with ScriptedUpstream("backup.test", ca=providers[0].ca) as backup:
        more = BACKUP.format(port=backup.port, ca=world.folder / "upstream-ca.pem")
        policy = world.policy(STAGES, ROUTE, providers=more)
        key = "credential: {env: E2E_OPENAI_KEY}"
        policy.write_text(policy.read_text().replace(key, f"timeouts: {{idle: 1}}\n    {key}", 1))
        with world.gateway(policy) as gateway:
            gateway.world, gateway.backup = world, backup
            yield gateway


@pytest.fixture(name="ask")
def _ask(wall, providers):
    """Ask once with this behaviour of the first provider: the text, its status, the requests at both, and the seconds."""
    wall.backup.seen.clear()
    wall.backup.forget()

    def ask(*behaviours):
        wall.backup.script(*[b.sse(GOOD)] * 3)
        providers[0].script(*behaviours)
        before, start = len(providers[0].seen), monotonic()
        with http(wall) as client:
            reply = client.post(
                "https://api.openai.com/v1/chat/completions",
                json={"model": "smart", "stream": True, "messages": [{"role": "user", "content": "hi"}]},
            )
        return reply, len(providers[0].seen) - before, len(wall.backup.seen), monotonic() - start

    return ask


def whole(reply):
    return reply.status_code == 200 and all(word in reply.text for word in WORDS) and reply.text.endswith("data: [DONE]\n\n")


def test_F01_a_rate_limit_with_retry_after_is_waited_for(ask):
    reply, first, second, seconds = ask(b.refuse(429, "1"), b.sse(GOOD))

    assert (True, 2, 0, True) == (whole(reply), first, second, seconds >= 1.0)


@pytest.mark.parametrize("status", [429, 500, 503], ids=["F02", "F04-500", "F04-503"])
def test_F02_F04_a_status_that_lasts_is_left_after_one_more_attempt(ask, status):
    reply, first, second, _ = ask(*[b.refuse(status)] * 4)

    assert (True, 2, 1) == (whole(reply), first, second)


def test_F03_an_error_that_passes_is_made_good_by_the_same_provider(ask):
    reply, first, second, _ = ask(b.refuse(500), b.sse(GOOD))

    assert (True, 2, 0) == (whole(reply), first, second)


def test_F05_a_reset_before_the_head_is_repeated(ask):
    reply, first, second, _ = ask(b.reset("headers"), b.sse(GOOD))

    assert (True, 2, 0) == (whole(reply), first, second)


def test_F06_silence_is_left_and_not_asked_again(ask):
    reply, first, second, _ = ask(*[b.silent()] * 3)

    assert (True, 1, 1) == (whole(reply), first, second)


def test_F07_a_first_word_that_is_late_is_not_waited_for(ask):
    reply, first, second, _ = ask(*[b.stalled(GOOD[:1])] * 3)

    assert (True, 1, 1) == (whole(reply), first, second)


@pytest.mark.parametrize(
    "behaviour",
    [b.truncated(GOOD[:3]), b.stalled(GOOD[:3])],
    ids=["F08-cut", "F09-stalled"],
)
def test_F08_F09_F14_a_stream_that_breaks_after_a_word_ends_in_an_error_and_is_not_replayed(ask, behaviour):
    reply, first, second, seconds = ask(behaviour)

    assert (1, 0, False) == (first, second, whole(reply))
    assert '"error"' in reply.text
    assert seconds < 15


def test_F10_a_malformed_event_is_no_word_of_the_answer(ask):
    reply, _, _, _ = ask(b.sse([*GOOD[:2], b"data: {canary\n\n", *GOOD[2:]]), b.sse(GOOD))

    assert whole(reply) or '"error"' in reply.text
    assert "canary" not in reply.text
    assert whole(ask(b.sse(GOOD))[0]), "the gateway goes on"


def test_F11_a_stream_without_its_last_mark_ends_at_once(ask):
    reply, first, second, seconds = ask(b.sse(GOOD[:-1]))

    assert (200, 1, 0, True) == (reply.status_code, first, second, seconds < 5)
    assert all(word in reply.text for word in WORDS)


def test_F12_a_prompt_that_is_too_long_goes_to_the_other_model(ask):
    told = {"error": {**TOLD["error"], "code": "context_length_exceeded"}}
    reply, first, second, _ = ask(*[b.refuse(400, None, told)] * 3)

    assert (True, 1, 1) == (whole(reply), first, second)


def test_F13_a_content_filter_is_the_answer_and_nobody_else_is_asked(ask):
    told = {"error": {**TOLD["error"], "code": "content_policy_violation"}}
    reply, first, second, _ = ask(*[b.refuse(400, None, told)] * 3)

    assert (400, "content_policy_violation", 1, 0) == (reply.status_code, reply.json()["error"]["code"], first, second)


def test_F15_a_provider_that_flaps_is_left_and_returned_to(ask):
    down = [ask(*[b.refuse(503)] * 2)[:3] for _ in range(5)]
    up = ask(b.sse(GOOD))

    assert all(whole(reply) for reply, *_ in down)
    assert (True, 1) == (whole(up[0]), up[1])


def test_F16_the_closing_line_and_the_answer_name_who_answered(ask, wall):
    wall.backup.forget()
    reply, *_ = ask(*[b.refuse(503)] * 3)

    own = reply.headers["x-outgate-request-id"]
    assert until(lambda: own in [line["id"] for line in lines(wall.world)])
    [line] = [line for line in lines(wall.world) if line["id"] == own]
    tried = [(each["backend"], each["status"], each.get("followed")) for each in line["outgate.attempts"]]
    assert [("openai", 503, "same"), ("openai", 503, "model"), ("backup", 200, None)] == tried
    assert [0, 0] == [each["charged.output_tokens"] for each in line["outgate.attempts"][:2]]


def test_an_answer_that_is_an_error_from_its_first_event_is_no_answer(ask):
    reply, first, second, _ = ask(*[b.sse([b'data: {"error": {"message": "overloaded", "type": "server_error"}}\n\n'])] * 3)

    assert (True, 2, 1) == (whole(reply), first, second)


@pytest.mark.parametrize("garbage", [b"[1]", b'{"choices": [', b'{"detail": "busy"}', b"<html>busy</html>"])
def test_garbage_in_place_of_a_stream_goes_to_the_other_provider(ask, garbage):
    reply, _, second, _ = ask(*[b.answer_bytes(garbage)] * 3)

    assert (True, 1) == (whole(reply), second)


def test_a_whole_answer_that_is_damaged_goes_to_the_other_provider(wall, providers):
    wall.backup.forget()
    wall.backup.script(b.answer_json(chat_completion("fine")))
    providers[0].script(*[b.answer_bytes(b'{"choices": [')] * 3)
    with http(wall) as client:
        body = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
        reply = client.post("https://api.openai.com/v1/chat/completions", json=body)

    assert (200, "fine") == (reply.status_code, reply.json()["choices"][0]["message"]["content"])
