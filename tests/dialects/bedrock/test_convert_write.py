"""Requests of every client as Converse requests, checked by Amazon's own description of the API."""

import botocore.session
import orjson
import pytest
from botocore.validate import ParamValidator

from outgate.dialects.bedrock.convert import CONVERTER
from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.spec import RequestLine, Target
from outgate.dialects.translated import translated
from outgate.errors import WireError
from outgate.net.headers import Headers
from support.bedrock_answers import MODEL
from support.talks import DIALECTS
from support.translations import FEATURES

NOVA = "eu.amazon.nova-pro-v1:0"
EVERY = [(client, feature) for client in FEATURES for feature in FEATURES[client]]


@pytest.fixture(name="shape", scope="module")
def _shape():
    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def made(client, body, model=MODEL):
    path = DIALECTS[client].path
    line = RequestLine("POST", path, operation_for("POST", path))
    request = dialect(client).decode(line, Headers(), orjson.dumps(body))
    return translated(request, Target(model), "bedrock")


def message(*content, to=MODEL, **more):
    return made("anthropic", {"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": [*content]}], **more}, to)


def body_of(result):
    return orjson.loads(result.sent.body)


def lost(result):
    return [loss.what for loss in result.losses]


@pytest.mark.parametrize("model", [MODEL, NOVA])
@pytest.mark.parametrize(("client", "feature"), EVERY, ids="-".join)
def test_every_feature_is_written_as_amazon_describes_it(shape, client, feature, model):
    body = body_of(made(client, FEATURES[client][feature], model))

    assert "" == ParamValidator().validate({"modelId": model, **body}, shape).generate_report()


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (MODEL, "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"),
        (
            "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.x",
            "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Feu.x/converse",
        ),
    ],
)
def test_the_model_stands_in_the_path(model, path):
    ask = FEATURES["openai"]["text"]

    assert path == made("openai", ask, model).sent.path
    assert f"{path}-stream" == made("openai", {**ask, "stream": True}, model).sent.path


def test_a_maximum_is_written_where_somebody_set_one():
    ask = FEATURES["openai"]["text"]

    assert "inferenceConfig" not in body_of(made("openai", ask))
    assert {"maxTokens": 7} == body_of(made("openai", {**ask, "max_tokens": 7}))["inferenceConfig"]


def test_thinking_goes_to_claude_alone():
    thinking = {"type": "enabled", "budget_tokens": 2048}
    claude = message({"type": "text", "text": "hi"}, thinking=thinking)
    nova = message({"type": "text", "text": "hi"}, thinking=thinking, to=NOVA)

    assert {"thinking": thinking} == body_of(claude)["additionalModelRequestFields"]
    assert "additionalModelRequestFields" not in body_of(nova)
    assert (["reasoning"], []) == (lost(nova), lost(claude))


def test_signed_thoughts_go_back_to_claude_and_are_left_out_elsewhere():
    said = [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "cmVk"}]
    call = {"type": "tool_use", "id": "c1", "name": "n", "input": {}}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [*said, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "ok", "is_error": True}]},
    ]
    asked = {"model": "m", "max_tokens": 9, "messages": turns}
    claude, nova = made("anthropic", asked), made("anthropic", asked, NOVA)

    assert [
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "cmVk"}},
        {"toolUse": {"toolUseId": "c1", "name": "n", "input": {}}},
    ] == body_of(claude)["messages"][1]["content"]
    assert {"toolUseId": "c1", "content": [{"text": "ok"}], "status": "error"} == body_of(claude)["messages"][2]["content"][0][
        "toolResult"
    ]
    assert 1 == len(body_of(nova)["messages"][1]["content"])
    assert ["thoughts", "thoughts"] == lost(nova)


def test_documents_have_names_of_their_own():
    pdf = {
        "type": "document",
        "title": "Q3 (draft).pdf",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "cGRm"},
    }
    text = {"type": "document", "title": "Q3 (draft).pdf", "source": {"type": "text", "media_type": "text/plain", "data": "words"}}
    content = body_of(message(pdf, text))["messages"][0]["content"]

    assert [("pdf", "Q3-(draft)-pdf", "cGRm"), ("txt", "Q3-(draft)-pdf-2", "d29yZHM=")] == [
        (each["document"]["format"], each["document"]["name"], each["document"]["source"]["bytes"]) for each in content
    ]


def test_a_schema_is_the_form_of_the_answer():
    form = body_of(made("openai", FEATURES["openai"]["schema"]))["outputConfig"]["textFormat"]

    assert "colour" in orjson.loads(form["structure"]["jsonSchema"]["schema"])["properties"]


def test_no_call_among_tools_and_calls_one_by_one_are_losses():
    tools = [{"name": "n", "input_schema": {"type": "object"}}]

    assert ["tool_choice"] == lost(message({"type": "text", "text": "hi"}, tools=tools, tool_choice={"type": "none"}))
    alone = message({"type": "text", "text": "hi"}, tools=tools, tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert (["parallel"], {"any": {}}) == (lost(alone), body_of(alone)["toolConfig"]["toolChoice"])


def test_no_client_speaks_it():
    with pytest.raises(WireError, match="no client"):
        CONVERTER.read_request("/model/m/converse", {})
