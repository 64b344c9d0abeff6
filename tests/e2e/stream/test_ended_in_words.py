"""An answer that a guard ends in words while it streams: official SDKs read it as one that is whole."""

import pytest

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


def chat(gateway, seen):
    asked = [{"role": "user", "content": ASKED}]
    with openai_client(gateway).chat.completions.stream(model="gpt-4o-mini", messages=asked) as events:
        for event in events:
            seen.append(event.type)
        choice = events.get_final_completion().choices[0]
    return choice.message.content, choice.finish_reason


def responses(gateway, seen):
    with openai_client(gateway).responses.stream(model="gpt-5", input=ASKED) as events:
        for event in events:
            seen.append(event.type)
        answer = events.get_final_response()
    return answer.output_text, answer.status


def messages(gateway, seen):
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": [{"role": "user", "content": ASKED}]}
    with anthropic_client(gateway).messages.stream(**asked) as events:
        for event in events:
            seen.append(event.type)
        return events.get_final_text(), events.get_final_message().stop_reason


ASK = {"openai": (chat, "stop"), "responses": (responses, "completed"), "anthropic": (messages, "end_turn")}


@pytest.mark.parametrize("name", ASK)
def test_what_was_said_stands_and_the_words_end_it(gateway, providers, name):
    before = {line["id"] for line in lines(gateway.world)}
    ask, end = ASK[name]
    seen = []
    events = DIALECTS[name].events({}, TEXTS, (9, 5))
    providers[name == "anthropic"].script(b.held(events, lambda: bool(seen)))
    text, reason = ask(gateway, seen)

    assert end == reason
    assert text.endswith(WORDS)
    assert "eve" not in text
    assert until(lambda: len({line["id"] for line in lines(gateway.world)} - before) == 1)
    [line] = [line for line in lines(gateway.world) if line["id"] not in before]
    assert "answered" == line.get("audit", line)["outgate.verdicts"]["out.output_pii"]["action"]
