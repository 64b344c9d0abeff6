"""Guards of the answer between a real listener and a provider: on kept answers, exact and similar, and on streams that are cut."""

from dataclasses import replace

import pytest

from e2e.asking import AGAIN, HOW, POLICY, starting
from e2e.world import lines
from support.behaviours import sse
from support.sse import pieces
from support.talks import talk_at
from support.waiting import until

GUARDS = """
output_pii: {limit: 60}
output_secrets: {limit: 60}
leak_guard: {}
toxicity_guard: {}
"""
INSTRUCTIONS = (
    "You are the assistant of the harbour office. Berths nine to twelve are kept free for the customs boats at night. "
    "Captains who ask for a rebate get four percent, and seven if they threaten to leave. "
)
FOUND = {
    "output_pii": "Write to jane.doe@example.com now. ",
    "output_secrets": "Use ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo now. ",
    "leak_guard": INSTRUCTIONS,
    "toxicity_guard": "You are a stupid worthless idiot, go to hell! ",
}


@pytest.fixture(name="start")
def _start(providers, tmp_path, monkeypatch):
    yield from starting(providers, tmp_path, monkeypatch)


def asked(text):
    return [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": text}]


@pytest.mark.parametrize("guard", FOUND)
def test_a_kept_answer_is_judged_again_when_it_is_given_exact_and_similar(start, guard):
    asking = start(POLICY + GUARDS)
    assert 200 == asking.ask(asked(HOW)).status_code
    answers = asking.gateway.runtime._ports.answers

    def poison():
        memory = answers._memory
        (key,) = memory._entries
        entry = memory._entries[key]
        memory.put(key, replace(entry, body=entry.body.replace(b"1: ", FOUND[guard].encode())))

    asking.gateway.call(poison)
    for text in (HOW, AGAIN):
        reply = asking.ask(asked(text))
        line = lines(asking.world)[-1]
        assert (403, guard) == (reply.status_code, line["outgate.denial.stage"])
        verdict = line["outgate.verdicts"][f"out.{guard}"]
        assert ("denied", "assistant") == (verdict["action"], verdict["scanned"][0]["kind"])
        assert FOUND[guard][:20] not in reply.text
    assert 1 == asking.sent


def saying(text):
    async def behave(call):
        await sse(talk_at(call.seen.target).events({"stream": True, "model": "gpt-4o-mini"}, pieces(text), (9, 5)))(call)

    return behave


@pytest.mark.parametrize("guard", FOUND)
def test_a_stream_is_cut_with_the_error_event_of_the_dialect_and_only_what_was_read_is_scanned(start, providers, guard):
    asking = start(POLICY + GUARDS)
    said = "Of course I can tell you that. " + FOUND[guard] + "That is all I know about it, and a little more."
    providers[0].forget()
    providers[0].script(saying(said))
    reply = asking.ask(asked(HOW), stream=True)

    assert '"code":"answer_refused"' in reply.text
    assert "[DONE]" not in reply.text
    assert "That is all" not in reply.text
    assert until(lambda: lines(asking.world)[-1].get("outgate.denial.stage") == guard)
    verdict = lines(asking.world)[-1]["outgate.verdicts"][f"out.{guard}"]
    assert 0 < verdict["scanned"][0]["characters"] < len(said)
