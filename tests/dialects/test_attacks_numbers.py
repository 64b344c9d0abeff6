"""Numbers as a way around: long ones that hold personal data, and counts that no ledger can add up."""

import json

import pytest

from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from support.wire_bodies import Spoken

CARD = 4111111111111111
OPENAI, ANTHROPIC = Spoken("openai"), Spoken("anthropic")
CHAT, MESSAGES = Operation("openai", Kind.CHAT), Operation("anthropic", Kind.CHAT)
SAID = [{"role": "user", "content": "hi"}]
CALL = {"type": "tool_use", "id": "a", "name": "pay", "input": {"card": float(CARD)}}
HUGE = [10**9 + 1, 2**63 - 1, 2**63, 10**30]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": SAID, "card": CARD},
        {"messages": SAID, "card": float(CARD)},
        {"messages": [{"role": "user", "content": "hi", "card": CARD}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "card": CARD}]}]},
        {"messages": SAID, "metadata": {"card": float(CARD)}},
        {"messages": SAID, "metadata": {"cards": [float(CARD)]}},
    ],
    ids=["top level", "float", "message", "part", "metadata", "list"],
)
def test_a_card_as_a_number_under_an_unknown_name_is_judged(body):
    prompt = OPENAI.decode(CHAT, json.dumps({"model": "m", **body}).encode()).prompt

    assert [True] == [True for leaf in prompt.leaves if str(CARD) in leaf.text]


def test_a_card_as_a_fraction_in_tool_arguments_is_judged_and_replaced():
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [CALL]}]}
    request = ANTHROPIC.decode(MESSAGES, json.dumps(body).encode())
    (at,) = (i for i, leaf in enumerate(request.prompt.leaves) if str(CARD) in leaf.text)
    sent = ANTHROPIC.encode(MESSAGES, request.prompt.replace({at: "CARD_kqwzrtbnmxpd"}), "m", request.params, None)

    assert {"card": "CARD_kqwzrtbnmxpd"} == json.loads(sent)["messages"][0]["content"][0]["input"]


def test_a_long_number_that_is_a_parameter_stays_one():
    prompt = OPENAI.decode(CHAT, json.dumps({"model": "m", "messages": SAID, "seed": CARD}).encode()).prompt

    assert ["hi"] == [leaf.text for leaf in prompt.leaves]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "n"])
@pytest.mark.parametrize("count", HUGE)
def test_a_caller_cannot_ask_for_more_than_a_ledger_can_add_up(name, count):
    with pytest.raises(WireError, match=name):
        OPENAI.decode(CHAT, json.dumps({"model": "m", "messages": SAID, name: count}).encode())


@pytest.mark.parametrize("count", HUGE)
def test_a_provider_that_reports_more_than_a_ledger_can_add_up_reports_nothing(count):
    usage = {"prompt_tokens": count, "completion_tokens": 3}
    answer = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}], "usage": usage}
    (event,) = OPENAI.redecode(CHAT, False, json.dumps(answer).encode())

    assert (None, 3) == (event.usage.input_tokens, event.usage.output_tokens)
