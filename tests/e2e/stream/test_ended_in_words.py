"""An answer that a guard ends in words while it streams: official SDKs read it as one that is whole."""

from functools import partial

import pytest

from e2e.calling import told_by
from e2e.world import STAGES, World, anthropic_client, lines, openai_client
from support import behaviours as b
from support.talks import DIALECTS
from support.waiting import until

WORDS = "I may not say that."
POLICY = STAGES + f"output_pii: {{action: answer, answer: {WORDS}}}\n"
TEXTS = ["Sure, here it is. ", "Write to ", "eve.smith@example.org", " or not. ", "Bye."]
ASKED = "Who is it?"


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("words"), *providers)
    with world.inside(world.policy(POLICY)) as gateway:
        yield gateway


TOOLS = ("read", "send")


def chat(gateway, seen):
    tools = [{"type": "function", "function": {"name": tool, "strict": True, "parameters": {"type": "object"}}} for tool in TOOLS]
    asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": ASKED}], "tools": tools}
    with openai_client(gateway).chat.completions.stream(**asked) as events:
        for event in events:
            seen.append(event.type)
        choice = events.get_final_completion().choices[0]
    calls = [call.function.name for call in choice.message.tool_calls or ()]
    return choice.message.content, calls, choice.finish_reason


def responses(gateway, seen):
    tools = [{"type": "function", "name": tool, "strict": True, "parameters": {"type": "object"}} for tool in TOOLS]
    with openai_client(gateway).responses.stream(model="gpt-5", input=ASKED, tools=tools) as events:
        for event in events:
            seen.append(event.type)
        answer = events.get_final_response()
    return answer.output_text, [item.name for item in answer.output if item.type == "function_call"], answer.status


def messages(gateway, seen):
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": [{"role": "user", "content": ASKED}]}
    with anthropic_client(gateway).messages.stream(**asked) as events:
        for event in events:
            seen.append(event.type)
        answer = events.get_final_message()
    calls = [block.name for block in answer.content if block.type == "tool_use"]
    return "".join(block.text for block in answer.content if block.type == "text"), calls, answer.stop_reason


ASK = {"openai": (chat, "stop"), "responses": (responses, "completed"), "anthropic": (messages, "end_turn")}


@pytest.mark.parametrize("name", ASK)
def test_what_was_said_stands_and_the_words_end_it(gateway, providers, name):
    before = {line["id"] for line in lines(gateway.world)}
    ask, end = ASK[name]
    seen = []
    events = DIALECTS[name].events({}, TEXTS, (9, 5))
    providers[name == "anthropic"].script(b.held(events, lambda: bool(seen)))
    text, _, reason = ask(gateway, seen)

    assert end == reason
    assert text.endswith(WORDS)
    assert "eve" not in text
    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    [line] = [line for line in lines(gateway.world) if line["id"] not in before]
    assert "answered" == line.get("audit", line)["outgate.verdicts"]["out.output_pii"]["action"]


CALLS = {
    "one": (("send", '{"to":"eve.smith@example.org","text":"hello"}'),),
    "behind another": (("read", '{"path":"/srv"}'), ("send", '{"to":"eve.smith@example.org","text":"hello"}')),
}


@pytest.mark.parametrize("name", ASK)
@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
def test_a_call_that_is_not_whole_is_dropped_before_the_words(gateway, providers, name, calls):
    ask, end = ASK[name]
    seen = []
    [raw], _ = told_by(name, calls) if name != "responses" else ([b"".join(told_by(name, calls)[0])], None)
    events = [part + b"\n\n" for part in raw.split(b"\n\n") if part]
    first = next(at for at, part in enumerate(events) if b"Hm" in part or b'"H"' in part)
    providers[name == "anthropic"].script(b.held([b"".join(events[: first + 1]), *events[first + 1 :]], partial(bool, seen)))
    text, called, reason = ask(gateway, seen)

    whole = ["read"] if len(calls) > 1 and name != "openai" else []
    assert (whole, "tool_use" if whole and name == "anthropic" else end) == (called, reason)
    assert text.endswith(WORDS)
