"""Chat completions to conversations and back: what is kept, what is lost and told, and that a round trip says the same."""

import pytest
from openai.types.chat import ChatCompletion

from outgate.dialects.openai.convert import CONVERTER as CHAT
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Call,
    Choice,
    Conversation,
    Loss,
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
from outgate.inference.stream import Finish

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
RICH = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": [{"type": "text", "text": "look"}, IMAGE], "name": "ann"},
        {"role": "assistant", "content": "wait", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "developer", "content": "short"},
        {"role": "user", "content": "and now?"},
    ],
    "tools": [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "weather"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}, "strict": True}},
    "temperature": 0.5,
    "top_p": 0.9,
    "seed": 7,
    "stop": ["END"],
    "max_tokens": 30,
    "presence_penalty": 0.1,
    "logprobs": True,
    "top_logprobs": 2,
    "user": "u",
}


def read(**members):
    return CHAT.read_request("/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "hi"}], **members})


def sent(*turns, model="m", max_tokens=None, **members):
    return CHAT.write_request(Conversation((), turns, **members), model, max_tokens)


def user(*parts):
    return Turn(Role.USER, parts)


def assistant(*parts):
    return Turn(Role.ASSISTANT, parts)


def test_a_round_trip_says_the_same():
    asked, losses = CHAT.read_request("/v1/chat/completions", RICH)
    written = CHAT.write_request(asked, "m", None)

    assert [] == [*losses, *written.losses]
    messages = [{**RICH["messages"][4], "role": "system"} if at == 4 else each for at, each in enumerate(RICH["messages"])]
    assert {**RICH, "messages": messages, "stop": ["END"]} == dict(written.body)


def test_what_is_read():
    asked, _ = CHAT.read_request("/v1/chat/completions", RICH)

    assert (Text("be kind"),) == asked.system
    assert [Role.USER, Role.ASSISTANT, Role.USER, Role.SYSTEM, Role.USER] == [turn.role for turn in asked.turns]
    assert Media("image", "image/png", "aGk=") == asked.turns[0].parts[1]
    assert Result("call_1", (Text("rain"),), name="weather") == asked.turns[2].parts[0]
    assert Choice("tool", "weather", parallel=False) == asked.choice


@pytest.mark.parametrize(
    ("members", "lost"),
    [
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"store": False}, "stored"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"logit_bias": {"1": 2}}, "members"),
        ({"verbosity": "low"}, "members"),
        ({"web_search_options": {}}, "hosted_tools"),
        ({"tools": [{"type": "web_search"}]}, "hosted_tools"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "f"}}]}]}, "files"),
        ({"messages": [{"role": "system", "content": "a", "name": "b"}]}, "names"),
        ({"tool_choice": {"type": "allowed_tools", "allowed_tools": {}}}, "tool_choice"),
    ],
)
def test_what_no_other_dialect_can_say_is_told(members, lost):
    _, losses = read(**members)

    assert [lost] == [loss.what for loss in losses]


@pytest.mark.parametrize("members", [{"modalities": ["text"]}, {"logit_bias": {}}, {"metadata": None}, {"n": 2}, {"stop": "a"}])
def test_members_that_say_nothing_and_those_with_a_noun_are_no_loss(members):
    assert [] == read(**members)[1]


def test_older_functions_are_calls_with_ids():
    messages = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ]
    asked, _ = read(messages=messages, functions=[{"name": "f"}], function_call="auto")

    assert asked.turns[0].parts[0].id == asked.turns[1].parts[0].id
    assert ("f", "auto") == (asked.tools[0].name, asked.choice.mode)


def test_results_stand_behind_their_calls_and_images_of_them_follow():
    result = Result("c1", (Text("a map"), Media("image", "image/png", "aGk=")))
    messages = sent(assistant(Call("c1", "map", "{}"), Call("c2", "map", "")), user(Text("so?"), result, Result("c2", ()))).body[
        "messages"
    ]

    assert ["assistant", "tool", "tool", "user"] == [message["role"] for message in messages]
    assert ["image_url", "text"] == [part["type"] for part in messages[3]["content"]]
    assert "{}" == messages[0]["tool_calls"][1]["function"]["arguments"]


def test_a_failed_result_says_so():
    [message] = sent(user(Result("c1", (Text("no city"),), failed=True))).body["messages"]

    assert "Error: no city" == message["content"]


@pytest.mark.parametrize(
    ("part", "lost"),
    [
        (Media("audio", "audio/ogg", "aGk="), "audio"),
        (Media("file", url="https://a.test/b.pdf"), "urls"),
        (Text("a", ({"type": "char_location"},)), "citations"),
    ],
)
def test_parts_that_chat_has_not(part, lost):
    assert [Loss(lost, "messages[0]")] == list(sent(user(part)).losses)


@pytest.mark.parametrize(
    ("thought", "lost"),
    [
        (Thought("hm", "sig", provider="anthropic"), ["thoughts"]),
        (Thought(sealed="x", provider="responses"), ["signatures"]),
        (Thought("hm"), []),
    ],
)
def test_thoughts_of_another_provider_stay_behind(thought, lost):
    written = sent(assistant(thought, Text("so")))

    assert lost == [loss.what for loss in written.losses]
    assert (not lost) == ("reasoning_content" in written.body["messages"][0])


@pytest.mark.parametrize(
    ("reasoning", "model", "effort"),
    [
        (Reasoning(effort="high"), "gpt-5", "high"),
        (Reasoning(budget=1024), "gpt-5", "low"),
        (Reasoning(budget=4096), "local", "medium"),
        (Reasoning(budget=20_000), "gpt-5", "high"),
        (Reasoning(budget=-1), "gpt-5", None),
        (Reasoning(budget=0), "gpt-5", "none"),
        (Reasoning(budget=0), "local", None),
        (None, "gpt-5", None),
    ],
)
def test_efforts(reasoning, model, effort):
    assert effort == sent(user(Text("a")), model=model, reasoning=reasoning).body.get("reasoning_effort")


def test_maximum_of_the_caller_goes_before_that_of_the_gateway():
    own = sent(user(Text("a")), max_tokens=5, sampling=Sampling(max_tokens=9))

    assert (9, 5) == (own.body["max_tokens"], sent(user(Text("a")), max_tokens=5, model="gpt-5").body["max_completion_tokens"])


def test_sampling_that_chat_has_not():
    losses = sent(user(Text("a")), sampling=Sampling(top_k=3, stop=("a", "b", "c", "d", "e"))).losses

    assert ["top_k", "stop"] == [loss.what for loss in losses]


def test_an_answer_comes_back_as_it_was_and_the_sdk_reads_it():
    message = {"role": "assistant", "content": "hi", "refusal": None, "tool_calls": [CALL], "reasoning_content": "hm"}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    tree = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    written = CHAT.write_answer(CHAT.read_answer(tree), Conversation((), ()))

    told = ChatCompletion.model_validate(written)
    assert ("hi", "weather", 13) == (
        told.choices[0].message.content,
        told.choices[0].message.tool_calls[0].function.name,
        told.usage.total_tokens,
    )
    assert tree["choices"] == written["choices"]


def test_an_answer_keeps_its_citations_and_calls_of_free_text():
    cited = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 2, "title": "t", "url": "https://a.test"}}
    parts = (Text("hi", (cited, {"type": "char_location"})), Call("c1", "run", '{"input":"ls"}'))
    asked = Conversation((), (), (Tool("run", custom=True),))
    written = CHAT.write_answer(Answer("c", "m", (Alternative(parts, Finish.TOOL_CALLS),)), asked)
    message = ChatCompletion.model_validate(written).choices[0].message

    assert ([cited], "run", "ls") == (
        [each.to_dict() for each in message.annotations], message.tool_calls[0].custom.name, message.tool_calls[0].custom.input
    )  # fmt: skip
    assert (cited,) == CHAT.read_answer(written).alternatives[0].parts[0].citations


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"error": {"message": "no", "type": "t"}}, "no"),
        ({"error": "no"}, "no"),
        ({"object": "error", "message": "no"}, "no"),
        ({}, "The provider answered with an error and no more."),
    ],
)
def test_failures_of_any_server(tree, message):
    failure = CHAT.read_failure(429, tree)

    assert (429, message) == (failure.status, failure.message)
    assert ("rate_limit_error", message) == tuple(CHAT.write_failure(failure)["error"][name] for name in ("type", "message"))
