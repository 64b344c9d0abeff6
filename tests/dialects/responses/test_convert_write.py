"""Conversations become requests: nothing is kept at the provider, and what the API cannot say is told."""

import pytest

from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Format,
    Media,
    Reasoning,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)
from support.responses_spoken import CONVERTER

HI = Turn(Role.USER, (Text("hi"),))


def written(*turns, model="m", most=None, **nouns):
    return CONVERTER.write_request(Conversation(nouns.pop("system", ()), turns or (HI,), **nouns), model, most).body


def losses(*turns, model="m", **nouns):
    out = CONVERTER.write_request(Conversation((), turns or (HI,), **nouns), model, None)
    return [(loss.what, loss.where) for loss in out.losses]


def test_nothing_is_kept_at_the_provider():
    assert ("/v1/responses", False) == (CONVERTER.write_request(Conversation((), (HI,)), "m", None).path, written()["store"])
    assert ["reasoning.encrypted_content"] == written(model="gpt-5")["include"]
    assert "include" not in written(model="gpt-4o")


def test_a_system_s_words_are_instructions_and_messages_of_the_developer():
    body = written(HI, Turn(Role.SYSTEM, (Text("Now."),)), system=(Text("Be kind."), Text("Be short.")))

    assert "Be kind." == body["instructions"]
    assert [("developer", "Be short."), ("user", "hi"), ("developer", "Now.")] == [
        (item["role"], item["content"][0]["text"]) for item in body["input"]
    ]


def test_turns_become_items_in_their_order():
    image = Media("image", "image/png", "iVBO")
    answer = Turn(Role.ASSISTANT, (Thought("hm", "sig", "", "responses", {"id": "rs_1"}), Text("ok"), Call("c1", "f", "")))
    body = written(HI, answer, Turn(Role.USER, (Result("c1", (Text("a"),)), Result("c2", (Text("b"), image)), Text("go on"))))

    assert ["message", "reasoning", "message", "function_call", "function_call_output", "function_call_output", "message"] == [
        item["type"] for item in body["input"]
    ]
    thought, said, call, first, second = body["input"][1:6]
    assert ("rs_1", "sig", "hm") == (thought["id"], thought["encrypted_content"], thought["summary"][0]["text"])
    assert ("ok", "{}", "a") == (said["content"], call["arguments"], first["output"])
    assert ["input_text", "input_image"] == [part["type"] for part in second["output"]]


def test_free_text_stays_free_text():
    tool = Tool("run", "Runs.", custom=True)
    call = Turn(Role.ASSISTANT, (Call("c1", "run", "ls", custom=True),))
    body = written(HI, call, Turn(Role.USER, (Result("c1", (Text("a"),)),)), tools=(tool,), choice=Choice("tool", "run"))

    assert ["custom_tool_call", "custom_tool_call_output"] == [item["type"] for item in body["input"][1:]]
    assert ({"type": "custom", "name": "run"}, "custom") == (body["tool_choice"], body["tools"][0]["type"])


def test_parameters_are_written():
    body = written(
        tools=(Tool("f", parameters={"type": "object"}),), choice=Choice("any", parallel=False), stream=True, user="u-1",
        format=Format("schema", schema={"type": "object"}, strict=True), reasoning=Reasoning("low", shown=True),
        sampling=Sampling(temperature=0.5, top_p=0.9, max_tokens=70),
    )  # fmt: skip

    assert (True, "u-1", 0.5, 0.9, 70) == tuple(
        body[name] for name in ("stream", "user", "temperature", "top_p", "max_output_tokens")
    )
    assert ("required", False) == (body["tool_choice"], body["parallel_tool_calls"])
    assert {"type": "json_schema", "name": "answer", "schema": {"type": "object"}, "strict": True} == body["text"]["format"]
    assert {"effort": "low", "summary": "auto"} == body["reasoning"]
    assert {"type": "json_object"} == written(format=Format("json"))["text"]["format"]


def test_no_tools_no_choice():
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(written(choice=Choice("any", parallel=True)))


@pytest.mark.parametrize(
    ("most", "own", "expected"), [(None, None, None), (50, None, 50), (5, None, 16), (50, 70, 70), (50, 5, 16)]
)
def test_a_maximum_is_at_least_what_the_api_takes(most, own, expected):
    assert expected == written(most=most, sampling=Sampling(max_tokens=own)).get("max_output_tokens")


@pytest.mark.parametrize(
    ("wanted", "model", "expected"),
    [
        (Reasoning(budget=0), "gpt-5.1", {"effort": "none"}),
        (Reasoning(budget=0), "gpt-4o", None),
        (Reasoning("none", 0), "local", None),
        (Reasoning(budget=-1), "gpt-5", None),
        (Reasoning(budget=1_024), "gpt-5", {"effort": "minimal"}),
        (Reasoning(budget=4_000), "gpt-5", {"effort": "low"}),
        (Reasoning(budget=10_000), "gpt-5", {"effort": "medium"}),
        (Reasoning(budget=32_000, shown=True), "gpt-5", {"effort": "high", "summary": "auto"}),
        (Reasoning("xhigh"), "gpt-5", {"effort": "xhigh"}),
    ],
)
def test_budgets_are_efforts(wanted, model, expected):
    assert expected == written(reasoning=wanted, model=model).get("reasoning")


def test_models_that_reason_get_no_temperature():
    steered = {"sampling": Sampling(temperature=0.2, top_p=1)}

    assert not {"temperature", "top_p"} & set(written(model="gpt-5", **steered))
    assert [("sampling", "temperature")] == losses(model="gpt-5", **steered)
    assert [] == losses(model="gpt-4o", **steered)


@pytest.mark.parametrize(
    ("sampling", "what"),
    [
        (Sampling(n=2), "n"), (Sampling(seed=0), "seed"), (Sampling(top_k=5), "top_k"), (Sampling(presence=0.5), "penalties"),
        (Sampling(frequency=-1), "penalties"), (Sampling(logprobs=0), "logprobs"), (Sampling(stop=("x",)), "stop"),
    ],
)  # fmt: skip
def test_sampling_that_the_api_has_not_is_lost(sampling, what):
    assert [(what, "sampling")] == losses(sampling=sampling)


def test_one_answer_and_no_penalties_are_no_loss():
    assert [] == losses(sampling=Sampling(n=1, presence=0, frequency=0))
    assert [("sampling", "max_tokens")] == losses(sampling=Sampling(max_tokens=5))


@pytest.mark.parametrize(
    ("part", "what"),
    [
        (Thought("hm", "sig", "", "anthropic"), "thoughts"),
        (Thought("", "", "AAAA", "anthropic"), "signatures"),
        (Thought("hm", "", "", "responses"), "thoughts"),
        (Media("image", "image/png", "iVBO"), "images"),
    ],
)
def test_parts_of_an_answer_that_cannot_be_said_are_lost(part, what):
    turn = Turn(Role.ASSISTANT, (part,))

    assert [what] == [loss for loss, _ in losses(HI, turn)]
    assert 1 == len(written(HI, turn)["input"])


def test_names_of_speakers_are_lost():
    assert [("names", "turns[0]")] == losses(HI._replace(name="ann"))
