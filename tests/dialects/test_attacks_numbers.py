"""Numbers as a way around: long ones that hold personal data, and counts that no ledger can add up."""

import json

import pytest

from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import Channel
from stages.test_redact import Redaction
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


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"card": {"default": CARD}}}}}
LIMITED = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {"n": {"maximum": CARD}}}}}


def decoded(**extra):
    return OPENAI.decode(CHAT, json.dumps({"model": "m", "messages": SAID, **extra}).encode())


def redacted(request):
    return Redaction()(request.prompt)[0]


@pytest.mark.parametrize("seed", [CARD, float(CARD), -CARD, 100_000_000])
def test_a_number_of_nine_digits_is_judged_under_a_known_name_too(seed):
    leaves = decoded(seed=seed).prompt.leaves

    assert (str(seed), Channel.PARAMETER) in [(leaf.text, leaf.channel) for leaf in leaves]


def test_a_shorter_one_is_a_parameter():
    assert ["hi"] == [leaf.text for leaf in decoded(seed=99_999_999).prompt.leaves]


@pytest.mark.parametrize(("extra", "name"), [({"seed": CARD}, "seed"), ({"tools": [LIMITED]}, "maximum")])
def test_a_card_where_a_number_must_stand_is_refused_by_the_name_of_the_member(extra, name):
    request = decoded(**extra)
    with pytest.raises(WireError, match=f"`{name}`") as caught:
        OPENAI.encode(CHAT, redacted(request), "m", request.params)

    assert "private_number" == caught.value.code
    assert str(CARD) not in str(caught.value)


def test_a_long_seed_that_is_no_card_leaves_as_it_is():
    request = decoded(seed=123456789012)

    assert 123456789012 == json.loads(OPENAI.encode(CHAT, redacted(request), "m", request.params))["seed"]


def test_a_card_in_a_default_is_replaced():
    request = decoded(tools=[TOOL])

    assert str(CARD) not in OPENAI.encode(CHAT, redacted(request), "m", request.params).decode()


CUT = [4111, 1111, 1111, 1111]


@pytest.mark.parametrize(
    "given",
    [
        {"card": CUT},
        {"deep": [{"card": CUT}]},
        {"a": 4111, "b": 1111, "c": 1111, "d": 1111},
        {"card": CUT, "until": [12, 2028]},
        {"name": "Maria", "card": CUT, "code": 123},
        {"card": [4111, "1111", 1111, 1111]},
        {"card": list(map(str, CUT))},
    ],
)
def test_a_card_cut_into_numbers_never_leaves_in_arguments_metadata_or_schemas(given):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps(given)}}
    schema = {"type": "object", "properties": {"x": {"enum": [given]}}}
    for extra in (
        {"messages": [*SAID, {"role": "assistant", "content": None, "tool_calls": [call]}]},
        {"metadata": given},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}]},
    ):
        request = decoded(**extra)
        wire = OPENAI.encode(CHAT, redacted(request), "m", request.params).decode()

        assert "1111" not in wire, wire


@pytest.mark.parametrize("given", [{"line": 12, "limit": 200}, {"box": [10, 20, 300, 400]}, {"rows": list(range(1000, 1300))}])
def test_short_numbers_that_can_be_no_card_are_no_leaves(given):
    request = decoded(metadata=given)

    assert not [leaf.text for leaf in request.prompt.leaves if leaf.text.isdecimal()]


def test_numbers_that_are_no_card_leave_as_numbers():
    given = {"years": [2021, 2022, 2023, 2024], "sizes": [1920, 1080, 1280, 720]}
    request = decoded(metadata=given)

    assert given == json.loads(OPENAI.encode(CHAT, redacted(request), "m", request.params))["metadata"]


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
