"""Attacks on single flight: a crowd of identical callers, of whom some leave and some are others, and a provider that breaks."""

import asyncio

import pytest

from e2e.flights import Story
from e2e.world import OTHER_TOKEN, STAGES, World
from support import behaviours as b
from support.judging import aio
from support.openai_answers import chat_events

CROWD = 60


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("crowd"), *providers)
    with world.inside(world.policy(STAGES + "cache: {single_flight_wait: 60}\nredact: {}\nprompt_guard: {}\n")) as gateway:
        yield gateway


BROKEN = {"error": b.refuse(500), "reset": b.reset("headers"), "cut in the middle": b.truncated(chat_events(["a", "b"])[:3])}


@pytest.mark.parametrize("broken", BROKEN)
@aio
async def test_a_call_that_breaks_does_not_set_the_crowd_upon_the_provider(gateway, broken):
    story = Story(gateway, f"crowd {broken}", stream=True)
    first, others = await story.joined(CROWD, BROKEN[broken])
    story.gate.set()
    replies = await asyncio.gather(first, *others, return_exceptions=True)

    assert [200] * CROWD == [reply.status_code for reply in replies[1:]]
    assert all("[DONE]" in reply.text for reply in replies[1:])
    assert len(story.provider.seen) <= 3, "one that breaks, perhaps its second attempt, and one more"
    await story.nothing_is_left()


@aio
async def test_a_provider_that_stays_broken_leaves_nobody_waiting(gateway):
    story = Story(gateway, "outage")
    first, others = await story.joined(CROWD, b.refuse(500))
    story.provider.script(*[b.refuse(500)] * 3 * CROWD)
    story.gate.set()
    replies = await asyncio.gather(first, *others)
    story.provider.forget()

    assert {500} == {reply.status_code for reply in replies}
    await story.nothing_is_left()


@aio
async def test_in_a_crowd_that_half_leaves_the_rest_is_served_and_another_tenant_is_apart(gateway):
    story = Story(gateway, "half")
    first, others = await story.joined(CROWD)
    stranger = story.ask(OTHER_TOKEN, "other")
    own = [story.ask(wishes=wish) for wish in ("no-store", "no-cache")]
    assert [200] * 3 == [reply.status_code for reply in await asyncio.gather(stranger, *own)]
    leaving = [first, *others[::2]]
    for task in leaving:
        task.cancel()
    await story.under_way(followers=CROWD - len(leaving) + 1, calls=4)
    story.gate.set()
    replies = await asyncio.gather(*others[1::2])

    assert {(200, True)} == {(reply.status_code, "detail=collapsed" in reply.headers["cache-status"]) for reply in replies}
    assert 4 == len(story.provider.seen)
    await story.nothing_is_left()
