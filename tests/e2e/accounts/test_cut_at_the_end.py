"""Attacks on budgets by leaving early: the visible text comes after the reasoning, and its usage comes last of all."""

import statistics
import time

import pytest

from e2e.world import STAGES, World, http, lines
from support import behaviours as b
from support.openai_answers import chat_events
from support.waiting import until

CHAT = "https://api.openai.com/v1/chat/completions"
REASONED = 20_042
PACE = 0.02
BUDGET = """
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("cut"), *providers)
    with world.gateway(world.policy(STAGES + BUDGET)) as gateway:
        gateway.world = world
        yield gateway


def asked(**more):
    return {"model": "gpt-5.4", "stream": True, "messages": [{"role": "user", "content": "Say something."}], **more}


def left_at(gateway, mark, **more):
    """Read until these bytes have come, or the end, and leave. What came."""
    got = b""
    with http(gateway) as client, client.stream("POST", CHAT, json=asked(**more)) as reply:
        for piece in reply.iter_raw():
            got += piece
            if mark in got:
                break
    return got


@pytest.mark.parametrize("mark", [b"you", b'"finish_reason":"stop"'])
def test_who_leaves_with_all_the_text_pays_for_the_reasoning_behind_it(gateway, providers, mark):
    before = len(lines(gateway.world))
    script = b.sse(chat_events(["Hello ", "there ", "you"], tokens=(9, REASONED)), pace=0.01)
    providers[0].script(*[script] * 10)
    for _ in range(10):
        assert b"you" in left_at(gateway, mark)

    assert until(lambda: len(lines(gateway.world)) == before + 10)
    spent = [line["outgate.charged.output_tokens"] for line in lines(gateway.world)[before:]]
    assert sum(spent) >= 0.95 * 10 * REASONED


def test_the_reason_why_it_finished_is_not_told_before_the_usage_is_known(gateway, providers):
    events = chat_events(["Hello"], tokens=(9, 5))
    finish = next(at for at, each in enumerate(events) if b'"stop"' in each)
    providers[0].script(b.stalled(events[: finish + 1], 1.0))
    got = b""
    with http(gateway) as client, client.stream("POST", CHAT, json=asked()) as reply:
        got = b"".join(reply.iter_raw())

    assert b"Hello" in got
    assert b'"finish_reason":"stop"' not in got


@pytest.mark.exhaustive
def test_an_honest_cancel_costs_about_what_was_made_and_reaches_the_provider_soon(gateway, providers):
    ratios, seconds = [], []
    before = len(lines(gateway.world))
    for _ in range(5):
        providers[0].script(b.endless(chat_events(["word "])[1], pace=PACE))
        left_at(gateway, b"word ")
        start = time.monotonic()
        assert until(lambda: providers[0].seen[-1].aborted is not None, 5)
        seconds.append(time.monotonic() - start)
    assert until(lambda: len(lines(gateway.world)) == before + 5)
    for line, seen in zip(lines(gateway.world)[before:], providers[0].seen[-5:], strict=True):
        assert "client_gone" == line["outcome"]
        made = (seen.aborted - seen.started) / PACE + 1
        ratios.append(line["outgate.charged.output_tokens"] / made)

    assert max(seconds) < 2.5
    assert statistics.median(ratios) <= 1.5


def test_a_provider_that_goes_on_beyond_the_maximum_is_cut_off(gateway, providers):
    before = len(lines(gateway.world))
    providers[0].script(b.endless(chat_events(["many words of an answer that never ends "])[1]))
    got = left_at(gateway, b"nothing that comes", max_completion_tokens=5)

    assert len(got) < 200_000
    assert b"beyond the 5 tokens that were asked for" in got
    assert until(lambda: len(lines(gateway.world)) == before + 1)
    assert until(lambda: providers[0].seen[-1].aborted is not None, 5)
