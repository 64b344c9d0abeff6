"""Conversations are written as requests that the API takes, in the form of their model, and what it cannot say is told."""

import pytest

from outgate.dialects.gemini.convert_parts import SKIPPED
from outgate.dialects.gemini.convert_write import write_request
from outgate.inference.conversation import (
    Call,
    Choice,
    Conversation,
    Format,
    Media,
    Reasoning,
    Refused,
    Result,
    Role,
    Sampling,
    Text,
    Thought,
    Tool,
    Turn,
)

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"
TOOL = Tool("f", "d", {"type": "object", "properties": {}})
PICTURE = Media("image", "image/png", data="aGk=")
BLOB = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def user(*parts, **more):
    return Turn(Role.USER, parts, **more)


def assistant(*parts):
    return Turn(Role.ASSISTANT, parts)


def written(*turns, model=OLD, most=None, **more):
    return write_request(Conversation(more.pop("system", ()), turns, **more), model, most)


def contents(*turns, **more):
    return [(each["role"], each["parts"]) for each in written(*turns, **more).body["contents"]]


def config(**more):
    model = more.pop("model", OLD)
    return written(user(Text("hi")), model=model, **more).body.get("generationConfig", {})


def losses(*turns, **more):
    return [loss.what for loss in written(*turns, **more).losses]


def test_a_request_is_written():
    sent = written(user(Text("hi")), system=(Text("be kind"),), stream=True, most=77)

    assert ("/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", []) == (sent.path, list(sent.losses))
    assert {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "be kind"}]},
        "generationConfig": {"maxOutputTokens": 77},
    } == sent.body


def test_results_stand_first_and_name_their_function():
    _, _, (role, parts) = contents(
        user(Text("go")),
        assistant(Call("a", "f", "{}"), Call("b", "g", '{"x":1}')),
        user(Text("meanwhile")),
        user(Result("a", (Text("1"),))),
        user(Result("b", (Text("2"),), failed=True)),
    )

    assert "user" == role
    assert [
        {"functionResponse": {"id": "a", "name": "f", "response": {"output": "1"}}},
        {"functionResponse": {"id": "b", "name": "g", "response": {"error": "2"}}},
        {"text": "meanwhile"},
    ] == parts


def test_media_of_a_result_stand_where_the_model_takes_them():
    turns = user(Text("go")), assistant(Call("a", "f", "{}")), user(Result("a", (Text("1"), PICTURE)))
    told = {"id": "a", "name": "f", "response": {"output": "1"}}

    assert [{"functionResponse": told}, BLOB] == contents(*turns)[2][1]
    assert [{"functionResponse": {**told, "parts": [BLOB]}}] == contents(*turns, model=NEW)[2][1]


def test_a_newer_model_gets_a_signature_with_its_first_call():
    calls = Call("a", "f", "{}"), Call("b", "f", "{}")
    signed = Thought("hm", "c2ln", provider="gemini")

    def signatures(*parts, **more):
        return [part.get("thoughtSignature") for part in contents(user(Text("go")), assistant(*parts), **more)[1][1]]

    assert [None, None] == signatures(*calls)
    assert [SKIPPED, None] == signatures(*calls, model=NEW)
    assert ["c2ln", None] == signatures(signed, *calls, model=NEW)
    assert ["c2ln", None] == signatures(signed, *calls)
    assert [None, "c2ln"] == signatures(Text("so"), signed)


def test_thoughts_of_others_are_lost():
    thoughts = Thought("hm", "c2ln", provider="anthropic"), Thought(sealed="c2ln", provider="anthropic"), Thought("hm")

    assert ["thoughts", "signatures", "thoughts"] == losses(user(Text("a")), assistant(*thoughts, Text("b")))


def test_the_system_speaks_before_all_others():
    turns = user(Text("a")), Turn(Role.SYSTEM, (Text("be brief"),)), user(Text("b"))
    sent = written(*turns, system=(Text("be kind"),))

    assert [{"text": "be kind"}, {"text": "be brief"}] == sent.body["systemInstruction"]["parts"]
    assert [("user", [{"text": "a"}, {"text": "b"}])] == contents(*turns)


def test_the_first_content_is_a_user_s():
    assert [("user", [{"text": "Continue."}]), ("model", [{"text": "a"}])] == contents(assistant(Text(""), Refused("a")))


@pytest.mark.parametrize(
    ("media", "part"),
    [
        (PICTURE, BLOB),
        (PICTURE._replace(rest={"detail": "high"}), {**BLOB, "mediaResolution": {"level": "MEDIA_RESOLUTION_HIGH"}}),
        (Media("file", data="aGk=", name="x"), {"inlineData": {"mimeType": "application/pdf", "data": "aGk=", "displayName": "x"}}),
        (Media("image", url="https://a.test/x"), {"fileData": {"fileUri": "https://a.test/x"}}),
        (Media("file", text="words"), {"text": "words"}),
    ],
)
def test_media(media, part):
    assert [("user", [part])] == contents(user(media))


def test_functions():
    body = written(user(Text("a")), tools=(TOOL, Tool("g")), choice=Choice("tool", "g")).body
    declared = [{"name": "f", "description": "d", "parametersJsonSchema": TOOL.parameters}, {"name": "g"}]

    assert [{"functionDeclarations": declared}] == body["tools"]
    assert {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}} == body["toolConfig"]


@pytest.mark.parametrize(
    ("choice", "strict", "mode"),
    [
        (Choice("auto"), None, "AUTO"),
        (Choice("none"), True, "NONE"),
        (Choice("any"), True, "ANY"),
        (Choice("auto"), True, "VALIDATED"),
        (Choice(), True, "VALIDATED"),
        (Choice(parallel=True), None, None),
    ],
)
def test_modes(choice, strict, mode):
    told = written(user(Text("a")), tools=(TOOL._replace(strict=strict),), choice=choice).body.get("toolConfig", {})

    assert mode == told.get("functionCallingConfig", {}).get("mode")


@pytest.mark.parametrize(
    ("lost", "more"),
    [
        (["parallel"], {"tools": (TOOL,), "choice": Choice(parallel=False)}),
        (["tool_choice"], {"choice": Choice("any")}),
        ([], {"choice": Choice("auto", parallel=False)}),
        ([], {"tools": (Tool("f", custom=True),)}),
        (["strict"], {"tools": (Tool("f", custom=True, rest={"format": {"type": "grammar", "grammar": {"definition": "s: A"}}}),)}),
        (["format"], {"tools": (TOOL,), "format": Format("json")}),
        ([], {"tools": (TOOL,), "format": Format("json"), "model": NEW}),
        (["stop"], {"sampling": Sampling(stop=tuple("abcdef"))}),
        (["logprobs"], {"sampling": Sampling(logprobs=0)}),
        (["metadata"], {"user": "u"}),
        (["citations"], {"system": (Text("a", ({"url": "b"},)),)}),
        (["reasoning"], {"reasoning": Reasoning("low"), "model": "gemini-2.0-flash"}),
        ([], {"reasoning": Reasoning("none"), "model": "gemini-2.0-flash"}),
    ],
)
def test_what_is_lost_is_told(lost, more):
    assert lost == losses(user(Text("a")), **more)


def test_words_of_speakers_and_of_sources_are_lost():
    assert ["names", "citations"] == losses(user(Text("a"), name="u"), assistant(Text("b", ({"url": "c"},))))


@pytest.mark.parametrize(
    ("model", "reasoning", "thinking"),
    [
        (OLD, Reasoning("low"), {"thinkingBudget": 1_024}),
        (OLD, Reasoning("none"), {"thinkingBudget": 0}),
        (OLD, Reasoning(budget=-1), {"thinkingBudget": -1, "includeThoughts": True}),
        (OLD, Reasoning(budget=99_999, shown=False), {"thinkingBudget": 24_576}),
        (OLD, Reasoning(shown=True), {"includeThoughts": True}),
        ("gemini-2.5-pro", Reasoning("none"), {"thinkingBudget": 128}),
        (NEW, Reasoning("none"), {"thinkingLevel": "MINIMAL"}),
        (NEW, Reasoning(budget=1_024), {"thinkingLevel": "LOW", "includeThoughts": True}),
        (NEW, Reasoning(budget=9_000), {"thinkingLevel": "HIGH", "includeThoughts": True}),
        (NEW, Reasoning(budget=-1), {"includeThoughts": True}),
        ("gemini-3.1-pro-preview", Reasoning("minimal"), {"thinkingLevel": "LOW"}),
        ("gemini-3.1-pro-preview", Reasoning("medium"), {"thinkingLevel": "MEDIUM"}),
        ("gemini-3-pro-preview", Reasoning("medium"), {"thinkingLevel": "HIGH"}),
        ("gemini-flash-latest", Reasoning("low"), {"thinkingLevel": "LOW"}),
    ],
)
def test_each_model_is_asked_to_think_in_its_form(model, reasoning, thinking):
    assert thinking == config(model=model, reasoning=reasoning)["thinkingConfig"]


def test_the_form_of_the_answer():
    schema = {"type": "object", "properties": {}}

    assert {"responseMimeType": "application/json"} == config(format=Format("json"))
    assert {"responseMimeType": "application/json", "responseJsonSchema": schema} == config(format=Format("schema", schema=schema))
    assert {} == config(format=Format("text"))
