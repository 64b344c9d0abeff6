"""Answers that are kept, and given again: the caller's `Cache-Control`, endings, poisoned entries, and changes of the policy."""

import asyncio
from dataclasses import replace

import pytest

from e2e.asking import AGAIN, FAR, HOW, echo, starting, status
from e2e.world import OTHER_TOKEN, lines, token_hash
from outgate.policy.workload_entry import with_workload
from support.behaviours import answer_json, refuse
from support.waiting import until


@pytest.fixture(name="start")
def _start(providers, tmp_path, monkeypatch):
    yield from starting(providers, tmp_path, monkeypatch)


WISHES = [
    ("no-cache", "", 2),
    ("no-store", "", 2),
    ("max-age=0", "", 2),
    ("max-age=100", "similar", 1),
    ("only-if-cached", "similar", 1),
]


@pytest.mark.parametrize(("wish", "tier", "sent"), WISHES)
def test_cache_control_of_the_request_is_honoured(start, wish, tier, sent):
    asking = start()
    asking.ask(HOW)
    reply = asking.ask(AGAIN, headers={"cache-control": wish})

    assert (200, tier) == (reply.status_code, status(reply).partition("detail=")[2].partition(";")[0])
    assert sent == asking.sent


def test_only_if_cached_is_504_where_nothing_is_and_no_store_keeps_nothing(start):
    asking = start()
    refused = asking.ask(FAR, headers={"cache-control": "only-if-cached"})
    asking.ask(FAR, headers={"cache-control": "no-store"})
    after = asking.ask(FAR)

    assert (504, "not_cached") == (refused.status_code, refused.headers["x-outgate-reason"])
    assert ("", 2) == (status(after), asking.sent)


async def raises(_facts):
    raise RuntimeError("broken")


async def never_ends(_facts):
    await asyncio.Event().wait()


@pytest.mark.parametrize("run", [raises, never_ends])
def test_only_if_cached_never_reaches_the_provider_where_the_look_up_breaks_or_runs_out_of_time(start, run):
    asking = start()
    asking.gateway.broken = {"cache_similar": lambda step: replace(step, run=run, limit=0.05)}
    refused = asking.ask(HOW, headers={"cache-control": "only-if-cached"})

    assert (504, "not_cached", 0) == (refused.status_code, refused.headers["x-outgate-reason"], asking.sent)
    assert 200 == asking.ask(HOW).status_code


def test_a_poisoned_entry_is_judged_again_by_the_guards_of_the_answer(start):
    asking = start()
    asking.ask(HOW)
    answers = asking.gateway.runtime._ports.answers

    def poison():
        memory = answers._memory
        (key,) = memory._entries
        entry = memory._entries[key]
        memory.put(key, replace(entry, body=entry.body.replace(b"1: ", b"nightingale ")))

    asking.gateway.call(poison)
    for text in (HOW, AGAIN):
        reply = asking.ask(text)
        assert (403, "output_phrases") == (reply.status_code, lines(asking.world)[-1]["outgate.denial.stage"])


def test_after_the_policy_is_tightened_nothing_kept_before_is_given(start):
    asking = start()
    asking.ask(HOW)
    policy = asking.world.folder / "policy.yaml"
    policy.write_text(policy.read_text().replace("[nightingale]", "[nightingale, router]"))
    asking.gateway.call(asking.gateway.runtime.reload_soon)
    assert until(lambda: "router" in str(asking.ask(FAR)) or asking.ask(HOW).status_code == 403)

    assert 403 == asking.ask(AGAIN).status_code


def rotated(text):
    return text.replace(token_hash(OTHER_TOKEN), token_hash("another_" + OTHER_TOKEN))


def added(text):
    return with_workload(text, "one_more", {"token_hashes": [token_hash("one_more")]})


@pytest.mark.parametrize("change", [rotated, added])
def test_another_token_or_workload_finds_the_cache_as_it_was(start, change):
    asking = start()
    asking.ask(HOW)
    policy = asking.world.folder / "policy.yaml"
    before = asking.gateway.runtime.revision
    policy.write_text(change(policy.read_text()))
    asking.gateway.call(asking.gateway.runtime.reload_soon)
    assert until(lambda: asking.gateway.runtime.revision != before)

    assert "detail=exact" in status(asking.ask(HOW))
    assert "detail=similar" in status(asking.ask(AGAIN))


ENDINGS = {
    "an error": refuse(500),
    "a cut": answer_json({"choices": [{"index": 0, "message": {"role": "assistant", "content": "So"}, "finish_reason": "length"}]}),
    "a tool call": answer_json(
        {"choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [
            {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}]}),
    "a refusal of ours": answer_json(
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "nightingale"}, "finish_reason": "stop"}]}),
    "another's placeholder": answer_json(
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "EMAIL_kqwzrtbnmxpd"}, "finish_reason": "stop"}]}),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_did_not_end_well_is_never_kept(start, providers, ending):
    asking = start(routes="- {name: all, retry: {attempts: 1}}")
    providers[0].forget()
    providers[0].script(ENDINGS[ending], *[echo()] * 5)
    asking.ask(HOW)
    again, same = asking.ask(AGAIN), asking.ask(HOW)

    assert "" == status(again)
    assert "detail=exact" not in status(same)
