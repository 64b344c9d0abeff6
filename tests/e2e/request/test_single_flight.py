"""Identical requests at once, through the real listener: one reaches the provider, and each caller is judged and has its line."""

import asyncio
import dataclasses
from typing import Any

import pytest

from e2e.flights import CHAT, EMBEDDINGS, Story
from e2e.world import OTHER_TOKEN, STAGES, World
from support import behaviours as b
from support.judging import aio
from support.openai_answers import chat_completion, chat_events
from support.waiting import until

POLICY = (
    STAGES
    + """
cache: {single_flight_wait: 20}
prompt_guard: {}
output_phrases: {phrases: [nightingale]}
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""
)
MANY = 20
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("flights"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


def tiers(line: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["tier"], each["result"]) for each in line["outgate.cache"]]


@pytest.mark.parametrize(
    ("name", "url", "body"),
    [("whole", CHAT, {}), ("stream", CHAT, {"stream": True}), ("embeddings", EMBEDDINGS, {})],
    ids=["whole", "stream", "embeddings"],
)
@aio
async def test_one_of_many_reaches_the_provider(gateway, name, url, body):
    story = Story(gateway, name, url=url, **body)
    first, others = await story.joined(MANY - 1)
    story.gate.set()
    replies = await asyncio.gather(first, *others)

    assert {200} == {reply.status_code for reply in replies}
    assert 1 == len({reply.content for reply in replies[1:]})
    assert MANY - 1 == sum("detail=collapsed" in reply.headers.get("cache-status", "") for reply in replies)
    assert 1 == len(story.provider.seen)
    told = await story.told(MANY)
    assert {"answered"} == {line["outcome"] for line in told}
    assert [True] * MANY == ["prompt_guard" in line["outgate.verdicts"] for line in told]
    assert [[("exact", "miss"), ("collapsed", "hit")]] * (MANY - 1) == [tiers(line) for line in told if len(tiers(line)) > 1]
    await story.nothing_is_left()


@aio
async def test_only_the_first_pays(gateway):
    story = Story(gateway, "payer")
    first, others = await story.joined(3)
    story.gate.set()
    await asyncio.gather(first, *others)
    told = await story.told(4)

    assert ["cache", "cache", "cache", "upstream"] == sorted(line["outgate.source"] for line in told)
    paid = [(line["outgate.source"], line["outgate.charged.input_tokens"], line["outgate.charged.output_tokens"]) for line in told]
    assert [("upstream", 9, 5)] == [each for each in paid if each != ("cache", 0, 0)]
    assert [14] == [charged[2] for line in told for charged in line["settle"]]


@pytest.mark.parametrize("body", [{}, {"stream": True}], ids=["whole", "stream"])
@aio
async def test_a_first_caller_that_leaves_does_not_end_the_call(gateway, body):
    story = Story(gateway, f"leaver {body}", **body)
    first, others = await story.joined(3)
    first.cancel()
    story.gate.set()
    replies = await asyncio.gather(*others)

    assert {200} == {reply.status_code for reply in replies}
    assert 1 == len(story.provider.seen)
    told = {line["outgate.source"]: line for line in await story.told(4)}
    assert ("client_gone", 5) == (told["upstream"]["outcome"], told["upstream"]["gen_ai.usage.output_tokens"])
    await story.nothing_is_left()


@aio
async def test_a_stream_that_its_first_caller_leaves_in_the_middle_is_passed_on_whole(gateway):
    story = Story(gateway, "middle", stream=True)
    events = chat_events(["Paris ", "it ", "is"])
    story.provider.script(b.held(events, story.gate.is_set))
    first, (other,) = await story.joined(1, scripted=True)
    first.cancel()
    story.gate.set()

    reply = await other
    assert all(word in reply.text for word in ("Paris ", "it ", '"is"', "[DONE]"))
    assert 1 == len(story.provider.seen)


@aio
async def test_the_last_to_leave_ends_the_call(gateway):
    story = Story(gateway, "last")
    first, others = await story.joined(2)
    first.cancel()
    others[0].cancel()
    await story.under_way(followers=1)
    assert story.provider.seen[0].aborted is None
    others[1].cancel()

    assert await asyncio.to_thread(until, lambda: story.provider.seen[0].aborted is not None)
    assert ["client_gone"] * 3 == [line["outcome"] for line in await story.told(3)]
    await story.nothing_is_left()
    assert 200 == (await story.ask()).status_code


@aio
async def test_one_of_those_that_wait_may_leave(gateway):
    story = Story(gateway, "one of them")
    first, others = await story.joined(2)
    others[0].cancel()
    await story.under_way(followers=1)
    story.gate.set()

    assert [200, 200] == [reply.status_code for reply in await asyncio.gather(first, others[1])]
    assert 1 == len(story.provider.seen)


@pytest.mark.parametrize(
    ("name", "answer", "calls"),
    [
        ("refused", b.refuse(400), 4),
        ("tools", b.answer_json(chat_completion(tool_calls=[CALL])), 4),
        ("cut short", b.truncated(), 2),
        ("broken", b.answer_bytes(b"{"), 2),
    ],
    ids=["refused", "tools", "cut", "broken"],
)
@aio
async def test_what_cannot_be_stored_sends_each_to_the_provider_and_what_broke_one(gateway, name, answer, calls):
    story = Story(gateway, name)
    first, others = await story.joined(3, answer)
    story.gate.set()

    assert [200] * 3 == [reply.status_code for reply in await asyncio.gather(*others)]
    await first
    assert calls == len(story.provider.seen)
    await story.nothing_is_left()


@aio
async def test_what_an_output_guard_refuses_reaches_nobody(gateway):
    story = Story(gateway, "guarded")
    first, others = await story.joined(3, b.provider("nightingale, she said"))
    story.gate.set()
    replies = await asyncio.gather(first, *others)

    assert [403, 200, 200, 200] == [reply.status_code for reply in replies]
    assert not any("nightingale" in reply.text for reply in replies)


@aio
async def test_another_tenant_never_joins(gateway):
    story = Story(gateway, "tenants")
    first, _ = await story.joined(0)
    other = await story.ask(OTHER_TOKEN, "other")

    assert 200 == other.status_code
    await story.under_way(calls=2)
    assert "cache-status" not in other.headers
    story.gate.set()
    await first


@pytest.mark.parametrize("wishes", ["no-cache", "no-store"])
@aio
async def test_who_wants_an_answer_of_its_own_does_not_wait(gateway, wishes):
    story = Story(gateway, wishes)
    first, _ = await story.joined(0)

    assert 200 == (await story.ask(wishes=wishes)).status_code
    assert 2 == len(story.provider.seen)
    story.gate.set()
    await first


@aio
async def test_nobody_waits_longer_than_the_bound(providers, tmp_path):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(STAGES + "cache: {single_flight_wait: 0.05}\n")) as gateway:
        gateway.world = world
        story = Story(gateway, "bound")
        story.first()
        first = story.ask()
        assert await asyncio.to_thread(until, lambda: len(story.provider.seen) == 1)

        assert 200 == (await story.ask()).status_code
        story.gate.set()
        assert 200 == (await first).status_code
        assert 2 == len(story.provider.seen)


@aio
async def test_a_crash_frees_the_key(gateway):
    story = Story(gateway, "crash")

    async def crashes(_facts: Any) -> Any:
        raise asyncio.CancelledError("not of this task")

    gateway.broken = {"dispatch": lambda step: dataclasses.replace(step, run=crashes)}
    try:
        assert 503 == (await story.ask()).status_code
    finally:
        gateway.broken = {}
    await story.nothing_is_left()
    assert 200 == (await story.ask()).status_code
