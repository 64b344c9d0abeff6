"""Requests of the Gemini API: what is judged, what leaves, and what is refused."""

import json

import pytest

from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.spec import Request, RequestLine, Target
from outgate.errors import Denial, WireError
from outgate.inference.operation import Kind
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers
from support import gemini_answers as g

GEMINI = dialect("gemini")
HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def decoded(body, verb="generateContent", query="", version="v1beta"):
    target = f"/{version}/models/asked:{verb}{query}"
    line = RequestLine("POST", target, operation_for("POST", target))
    return GEMINI.decode(line, Headers(), json.dumps(body).encode())


def sent(request: Request, most=None, model="routed"):
    wire = GEMINI.encode(request, Target(model, most))
    return wire.path, json.loads(wire.body)


def texts(request):
    return [(leaf.channel, leaf.text) for leaf in request.prompt.leaves]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("POST /v1/models/m:generateContent", Kind.CHAT),
        ("POST /v1beta/models/m:streamGenerateContent?alt=sse", Kind.CHAT),
        ("POST /v1beta/models/m:countTokens", Kind.COUNT_TOKENS),
        ("POST /v1/models/m:embedContent", Kind.EMBEDDINGS),
        ("POST /v1beta/models/m:batchEmbedContents", Kind.EMBEDDINGS),
        ("GET /v1beta/models?pageSize=50", Kind.MODELS),
        ("GET /v1beta/models/gemini-2.5-pro", Kind.MODELS),
        ("POST /v1beta/models/m:predict", Kind.OPAQUE),
        ("POST /v1beta/models/m:generateContent?$alt=sse", Kind.CHAT),
        ("POST /v1beta/models/m:generateContent?fields=x", Kind.CHAT),
        ("POST /v1beta/cachedContents", Kind.OPAQUE),
    ],
)
def test_operations(line, kind):
    operation = operation_for(*line.split(" "), "gemini")

    assert ("gemini", kind) == (operation.dialect, operation.kind)


@pytest.mark.parametrize("query", ["?alt=proto", "?alt=media", "?alt=sse&alt=json", "?alt=sse&$alt=json", "?a%6Ct=proto", "?alt="])
def test_attack_an_answer_in_a_form_that_nobody_reads_is_not_asked_for(query):
    with pytest.raises(WireError, match="`alt` must be"):
        decoded(HI, "streamGenerateContent", query)


def test_either_spelling_of_the_form_makes_a_stream():
    assert decoded(HI, "streamGenerateContent", "?$alt=sse").params.stream
    assert not decoded(HI, "generateContent", "?alt=sse").params.stream


def test_the_model_of_the_path_becomes_the_routed_one_and_the_query_stays():
    request = decoded(HI, "streamGenerateContent", "?alt=sse")

    assert ("asked", True) == (request.model, request.params.stream)
    assert ("/v1beta/models/routed:streamGenerateContent?alt=sse", HI) == sent(request)


def test_a_stream_as_an_array_is_asked_for_in_whole_and_is_an_array_of_one():
    request = decoded(HI, "streamGenerateContent")
    operation = request.line.operation
    events = GEMINI.redecode(operation, False, json.dumps(g.said("Hello")).encode())

    assert ("/v1beta/models/routed:generateContent", HI) == sent(request)
    assert [g.said("Hello")] == json.loads(b"".join(event.encode() for event in events))
    assert events == [] or events[-1].last
    again = GEMINI.redecode(operation, False, b"".join(event.encode() for event in events))
    assert [event.encode() for event in events] == [event.encode() for event in again]


@pytest.mark.parametrize(
    ("config", "bounded"),
    [
        ({}, {"generationConfig": {"maxOutputTokens": 7}}),
        ({"generationConfig": None}, {"generationConfig": {"maxOutputTokens": 7}}),
        ({"generationConfig": {"topK": 1}}, {"generationConfig": {"topK": 1, "maxOutputTokens": 7}}),
        ({"generation_config": {"top_k": 1}}, {"generation_config": {"top_k": 1, "maxOutputTokens": 7}}),
        ({"generationConfig": {"maxOutputTokens": 3}}, {"generationConfig": {"maxOutputTokens": 3}}),
        ({"generation_config": {"max_output_tokens": 3}}, {"generation_config": {"max_output_tokens": 3}}),
    ],
)
def test_output_is_bounded_in_the_spelling_of_the_body(config, bounded):
    assert {**HI, **bounded} == sent(decoded({**HI, **config}), 7)[1]


@pytest.mark.parametrize("camel", [True, False])
def test_both_spellings_are_read_alike(camel):
    names = ("systemInstruction", "functionCall", "functionResponse") if camel else (
        "system_instruction", "function_call", "function_response",
    )  # fmt: skip
    request = decoded(
        {
            names[0]: {"parts": [{"text": "be kind"}]},
            "contents": [
                {"role": "model", "parts": [{names[1]: {"name": "f", "args": {"a": "x"}}}]},
                {"role": "user", "parts": [{names[2]: {"name": "f", "response": {"r": "y"}}}]},
            ],
        }
    )

    found = {(Channel.SYSTEM, "be kind"), (Channel.TOOL_ARGUMENTS, "x"), (Channel.TOOL_RESULT, "y")}
    assert found <= set(texts(request))


@pytest.mark.parametrize(
    "body",
    [
        {**HI, "systemInstruction": {"parts": []}, "system_instruction": {"parts": []}},
        {**HI, "generationConfig": {"maxOutputTokens": 1, "max_output_tokens": 9}},
        {"contents": [{"parts": [{"inlineData": {"data": ""}, "inline_data": {"data": ""}}]}]},
    ],
)
def test_attack_a_member_in_two_spellings(body):
    with pytest.raises(WireError) as refused:
        decoded(body)

    assert "ambiguous_name" == refused.value.code


def test_arguments_may_have_any_names():
    call = {"functionCall": {"name": "f", "args": {"aB": 1, "a_b": 2}}}

    assert decoded({"contents": [{"role": "model", "parts": [call]}]})


@pytest.mark.parametrize(
    "body",
    [
        {}, {"contents": []}, {"contents": "hi"}, {"contents": ["hi"]}, {**HI, "generationConfig": 1}, {**HI, "tools": {}},
        {**HI, "generationConfig": {"maxOutputTokens": "9"}}, {**HI, "generationConfig": {"candidateCount": 0}},
        {**HI, "tools": [{"functionDeclarations": {}}]},
    ],
)  # fmt: skip
def test_a_form_that_servers_would_read_otherwise_is_refused(body):
    with pytest.raises(WireError):
        decoded(body)


@pytest.mark.parametrize("tool", ["googleSearch", "google_search", "codeExecution", "urlContext", "fileSearch", "novelTool"])
def test_attack_a_tool_that_the_provider_runs(tool):
    request = decoded({**HI, "tools": [{"functionDeclarations": [{"name": "f"}], tool: {}}]})

    assert "hosted_tool" in request.prompt.unjudged
    assert ("f", tool) == request.tools.names


@pytest.mark.parametrize("member", [{"cachedContent": "cachedContents/1"}, {"cached_content": "x"}, {"store": True}])
def test_attack_what_only_the_provider_remembers(member):
    assert decoded({**HI, **member}).params.server_state


def test_attack_a_file_of_somebody_else_by_its_address():
    part = {"fileData": {"mimeType": "application/pdf", "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/x"}}
    request = decoded({"contents": [{"parts": [part]}]})

    assert ("fileData",) == request.params.server_state
    assert {"file", "remote_url"} == request.prompt.unjudged


@pytest.mark.parametrize(
    ("mime", "kind"), [("image/png", "image"), ("audio/wav", "audio"), ("application/pdf", "file"), ("x/y", "unknown")]
)
@pytest.mark.parametrize("names", [("inlineData", "mimeType"), ("inline_data", "mime_type")])
def test_media_are_announced_by_their_kind(mime, kind, names):
    request = decoded({"contents": [{"parts": [{names[0]: {names[1]: mime, "data": "AAAA"}}]}]})

    assert {kind} == request.prompt.unjudged


def test_words_in_the_place_of_a_result_stand_in_an_object():
    returned = {"functionResponse": {"name": "f", "response": {"r": "bad"}}}
    request = decoded({"contents": [{"role": "user", "parts": [returned]}]})
    box = next(leaf.box for leaf in request.prompt.leaves if leaf.text == "f")
    request.prompt.edits[box, "response"] = "withheld"

    assert {"output": "withheld"} == sent(request)[1]["contents"][0]["parts"][0]["functionResponse"]["response"]


def test_models_in_bodies_are_the_routed_one():
    counting = decoded({"generateContentRequest": {"model": "models/mine", **HI}}, "countTokens")
    batch = decoded({"requests": [{"model": "models/mine", "content": {"parts": [{"text": "a"}]}}]}, "batchEmbedContents")

    assert "models/routed" == sent(counting, 9)[1]["generateContentRequest"]["model"]
    assert {"requests": [{"model": "models/routed", "content": {"parts": [{"text": "a"}]}}]} == sent(batch)[1]
    assert [(Channel.USER, "hi")] == texts(counting)
    assert [(Channel.USER, "a")] == texts(batch)


def test_contents_stand_in_one_place_of_a_count():
    with pytest.raises(WireError):
        decoded({**HI, "generateContentRequest": HI}, "countTokens")


def test_attack_a_model_whose_name_is_a_path():
    assert "/v1beta/models/a%2F..%2Fb:generateContent" == sent(decoded(HI), model="a/../b")[0]


def test_vectors_are_carried():
    operation = decoded({"content": {"parts": [{"text": "a"}]}}, "embedContent").line.operation
    told = b'{"embedding":{"values":[0.1,-2e-3]},"usageMetadata":{"promptTokenCount":3}}'
    [event] = GEMINI.redecode(operation, False, told)

    assert (told, 3) == (event.encode(), event.usage.input_tokens)


@pytest.mark.parametrize(
    ("status", "word"), [(400, "INVALID_ARGUMENT"), (413, "INVALID_ARGUMENT"), (429, "RESOURCE_EXHAUSTED"), (502, "UNAVAILABLE")]
)
def test_refusals_are_googles_errors(status, word):
    error = json.loads(GEMINI.error(Denial(code="why", status=status, message="No."), "r1"))["error"]

    assert (status, word, "why") == (error["code"], error["status"], error["details"][0]["reason"])


def test_a_provider_s_own_error_passes_and_any_other_is_put_in_its_form():
    operation = decoded(HI).line.operation
    own = b'{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}'

    def told(raw):
        decoder = GEMINI.answer(operation, False, True, 429)
        return b"".join(event.encode() for event in [*decoder.feed(raw), *decoder.end()])

    assert own == told(own)
    assert "busy" in json.loads(told(b'{"detail":"busy"}'))["error"]["message"]


def test_the_list_of_models():
    assert ["models/a", "models/b"] == [each["name"] for each in json.loads(GEMINI.models(["a", "b"], 1))["models"]]
