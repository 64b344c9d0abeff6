"""Requests of the Gemini API are read as conversations, in both spellings of members, and what has no noun is told."""

import pytest

from outgate.dialects.gemini.convert_parts import SKIPPED
from outgate.dialects.gemini.convert_read import read_request
from outgate.errors import WireError
from outgate.inference.conversation import (
    Call,
    Choice,
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

PATH = "/v1beta/models/m:generateContent"
HI = {"role": "user", "parts": [{"text": "hi"}]}


def read(*contents, path=PATH, **more):
    return read_request(path, {"contents": [HI, *contents], **more})


def model(*parts):
    return {"role": "model", "parts": list(parts)}


def user(*parts):
    return {"role": "user", "parts": list(parts)}


def parts(*contents):
    return [part for turn in read(*contents)[0].turns[1:] for part in turn.parts]


def losses(*contents, **more):
    return [loss.what for loss in read(*contents, **more)[1]]


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent?alt=sse"])
def test_a_request_is_read(verb):
    asked, lost = read(
        path=f"/v1beta/models/m:{verb}",
        systemInstruction={"parts": [{"text": "be kind"}]},
        generationConfig={"temperature": 0.5, "topK": 3.0, "maxOutputTokens": 9, "stopSequences": ["x"], "responseLogprobs": False},
    )

    assert [] == list(lost)
    assert ((Text("be kind"),), (Turn(Role.USER, (Text("hi"),)),), verb != "generateContent") == (
        asked.system, asked.turns, asked.stream,
    )  # fmt: skip
    assert Sampling(temperature=0.5, top_k=3, max_tokens=9, stop=("x",)) == asked.sampling


def test_both_spellings_are_read():
    asked, lost = read(
        user({"inline_data": {"mime_type": "image/png", "data": "aGk="}}),
        system_instruction={"parts": [{"text": "be kind"}]},
        generation_config={"max_output_tokens": 9, "thinking_config": {"thinking_level": "LOW", "include_thoughts": True}},
        tools=[{"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]}],
        tool_config={"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
    )

    assert [] == list(lost)
    assert (Media("image", "image/png", "aGk="),) == asked.turns[1].parts
    assert ((Text("be kind"),), 9, Reasoning("low", shown=True)) == (asked.system, asked.sampling.max_tokens, asked.reasoning)
    assert ((Tool("f", parameters={"type": "object"}),), Choice("tool", "f")) == (asked.tools, asked.choice)


def test_calls_without_ids_find_their_results():
    calls = [{"functionCall": {"name": name, "args": {"at": at}}} for at, name in enumerate(("f", "g", "f"))]
    results = [{"functionResponse": {"name": name, "response": {"output": name}}} for name in ("f", "f", "g")]
    first, second, third, *told = parts(model(*calls), user(*results))

    assert [("f", '{"at":0}'), ("g", '{"at":1}'), ("f", '{"at":2}')] == [
        (call.name, call.arguments) for call in (first, second, third)
    ]
    assert [first.id, third.id, second.id] == [result.id for result in told]
    assert 3 == len({first.id, second.id, third.id})


def test_a_result_without_an_id_belongs_to_the_call_of_its_function():
    call = {"functionCall": {"id": "call_7", "name": "f"}}

    assert [Call("call_7", "f", "{}"), Result("call_7", (Text("1"),), name="f")] == parts(
        model(call), user({"functionResponse": {"name": "f", "response": {"output": 1}}})
    )


@pytest.mark.parametrize(
    ("response", "told", "failed"),
    [
        ({"output": "dry"}, "dry", False),
        ({"error": "no such town"}, "no such town", True),
        ({"result": 7}, '{"result":7}', False),
        ({"output": {"a": 1}}, '{"a":1}', False),
        ({}, "", False),
    ],
)
def test_what_a_function_returned(response, told, failed):
    inner = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}
    [result] = parts(user({"functionResponse": {"id": "a", "name": "f", "response": response, "parts": [inner]}}))

    assert Result("a", (*((Text(told),) if told else ()), Media("image", "image/png", "aGk=")), failed, "f") == result


def test_pieces_of_a_stream_are_one_text_and_one_thought():
    assert [Thought("so so", "c2ln", provider="gemini"), Text("Hello"), Call("a", "f", "{}")] == parts(
        model(
            {"text": "so ", "thought": True},
            {"text": "so", "thought": True},
            {"text": "Hel", "thoughtSignature": "c2ln"},
            {"text": "lo"},
            {"functionCall": {"id": "a", "name": "f"}, "thoughtSignature": SKIPPED},
        )
    )


def test_words_of_a_thought_without_a_signature_are_anybodys():
    assert [Thought("hm"), Text("a")] == parts(model({"text": "hm", "thought": True}, {"text": "a"}))


def test_a_user_s_texts_stay_apart():
    assert [Text("a"), Text("b")] == parts(user({"text": "a"}, {"text": "b"}))


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ({}, None),
        ({"responseMimeType": "text/plain"}, None),
        ({"responseMimeType": "application/json"}, Format("json")),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
            Format("schema", schema={"type": "string"}),
        ),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "array"}},
            Format("schema", schema={"type": "array"}),
        ),
    ],
)
def test_the_form_of_the_answer(config, form):
    assert form == read(generationConfig=config)[0].format


@pytest.mark.parametrize(
    ("config", "reasoning"),
    [
        ({"thinkingBudget": 0}, Reasoning(budget=0)),
        ({"thinkingBudget": -1, "includeThoughts": False}, Reasoning(budget=-1, shown=False)),
        ({"thinkingLevel": "high"}, Reasoning("high")),
        ({"includeThoughts": True}, Reasoning(budget=-1, shown=True)),
        ({"includeThoughts": False}, None),
    ],
)
def test_how_much_a_model_is_to_think(config, reasoning):
    assert reasoning == read(generationConfig={"thinkingConfig": config})[0].reasoning


@pytest.mark.parametrize(
    ("config", "choice", "names"),
    [
        ({"mode": "AUTO"}, Choice("auto"), ["f", "g", "h"]),
        ({"mode": "NONE"}, Choice("none"), ["f", "g", "h"]),
        ({"mode": "ANY"}, Choice("any"), ["f", "g", "h"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g", "h"]}, Choice("any"), ["g", "h"]),
        ({"mode": "ANY", "allowedFunctionNames": ["g"]}, Choice("tool", "g"), ["f", "g", "h"]),
    ],
)
def test_which_functions_may_be_called(config, choice, names):
    tools = [{"functionDeclarations": [{"name": name} for name in "fgh"]}]
    asked, lost = read(tools=tools, toolConfig={"functionCallingConfig": config})

    assert (choice, names, []) == (asked.choice, [tool.name for tool in asked.tools], list(lost))


@pytest.mark.parametrize(
    ("lost", "more"),
    [
        (["hosted_tools"], {"tools": [{"googleSearch": {}}]}),
        (["hosted_tools"], {"tools": [{"codeExecution": {}, "functionDeclarations": [{"name": "f"}]}]}),
        (["strict"], {"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}),
        (["safety"], {"safetySettings": [{"category": "c", "threshold": "BLOCK_LOW_AND_ABOVE"}]}),
        ([], {"safetySettings": [{"category": "c", "threshold": "OFF"}]}),
        (["metadata"], {"labels": {"a": "b"}}),
        (["service_tier"], {"serviceTier": "flex"}),
        (["members"], {"novelty": 1}),
        (["members"], {"generationConfig": {"speechConfig": {}}}),
        (["format"], {"generationConfig": {"responseMimeType": "text/x.enum"}}),
        (["members"], {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "NON_BLOCKING"}]}]}),
        ([], {"tools": [{"functionDeclarations": [{"name": "f", "behavior": "BLOCKING", "response": {"type": "STRING"}}]}]}),
    ],
)
def test_what_is_lost_is_told(lost, more):
    assert lost == losses(**more)


@pytest.mark.parametrize(
    ("lost", "part"),
    [
        ("files", {"fileData": {"fileUri": "gs://bucket/a.png"}}),
        ("files", {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}}),
        ("video", {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}}),
        ("video", {"text": "a", "videoMetadata": {"fps": 1}}),
        ("hosted_tools", {"executableCode": {"code": "1"}}),
        ("members", {"text": "a", "novelty": 1}),
        ("metadata", {"text": "a", "partMetadata": {"a": "b"}}),
    ],
)
def test_parts_that_no_other_api_has_are_told(lost, part):
    assert [lost] == losses(user(part))


def test_a_file_by_its_address():
    found = {"fileData": {"mimeType": "application/pdf", "fileUri": "https://a.test/x.pdf"}}
    seen = {
        "inlineData": {"mimeType": "image/png", "data": "aGk=", "displayName": "x"},
        "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"},
    }

    assert [
        Media("file", "application/pdf", url="https://a.test/x.pdf"),
        Media("image", "image/png", "aGk=", name="x", rest={"detail": "low"}),
    ] == parts(user(found, seen))


@pytest.mark.parametrize(
    "more",
    [
        {"cachedContent": "cachedContents/a"},
        {"generationConfig": {"stopSequences": "x"}},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": "1"}}},
        {"toolConfig": {"functionCallingConfig": {"mode": "novel"}}},
        {"tools": {}},
        {"contents": [{"role": "assistant", "parts": []}]},
        {"contents": [{"role": "user", "parts": [{"text": 3}]}]},
    ],
)
def test_attack_of_a_body_without_form(more):
    with pytest.raises(WireError):
        read_request(PATH, {"contents": [HI], **more})
