"""Losses of a translated answer are told, whole and streamed, by the nouns of `LOSSES`."""

import orjson
import pytest

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.registry import dialect, operation_for
from outgate.dialects.sse import encode
from outgate.dialects.translation import LOSSES
from outgate.inference.conversation import Conversation
from support import anthropic_answers as anthropic
from support import bedrock_answers as bedrock
from support import gemini_answers as google
from support import openai_answers as chat
from support import responses_answers as items
from support.talks import DIALECTS

LOGPROBS = {"content": [{"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []}]}
PLACE = {"type": "char_location", "cited_text": "x", "document_index": 0, "start_char_index": 0, "end_char_index": 1}
SIGNED = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
SEALED = {"type": "redacted_thinking", "data": "cmVk"}
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}
REFUSED = {"stop_details": {"type": "refusal", "category": "cyber", "explanation": "no"}}
QUOTED = {"citationsContent": {"content": [{"text": "so"}], "citations": [{"title": "a"}]}}
IMAGE = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
FOUND = {"logprobsResult": {"chosenCandidates": [{}]}, "groundingMetadata": {"groundingChunks": [{}]}}


def chat_whole():
    told = chat.chat_completion("hi", audio={"id": "a", "data": "AAAA"})
    told["choices"][0] |= {"logprobs": LOGPROBS}
    return orjson.dumps({**told, "choices": [*told["choices"], {**told["choices"][0], "index": 1}]})


def chat_stream():
    told = chat.chunk({"content": "hi", "audio": {"data": "AAAA"}})
    told["choices"][0]["logprobs"] = LOGPROBS
    ends = (chat.chunk({"content": "ho"}, index=1), chat.chunk({}, "stop"), chat.chunk({}, "stop", index=1))
    return chat.chat_stream(told, *ends)


def messages_whole():
    blocks = [SIGNED, SEALED, SEARCH, {"type": "text", "text": "hi", "citations": [PLACE]}]
    return orjson.dumps({**anthropic.message("hi"), "content": blocks, "stop_reason": "refusal", **REFUSED})


def messages_stream():
    ended = anthropic.message_delta("refusal")
    ended["delta"] |= REFUSED
    return anthropic.message_stream(
        anthropic.message_start(),
        anthropic.block_start(0, type="thinking", thinking="", signature=""),
        anthropic.block_delta(0, type="signature_delta", signature="c2ln"),
        anthropic.block_stop(0),
        *(
            told
            for at, block in ((1, SEALED), (2, SEARCH))
            for told in (anthropic.block_start(at, **block), anthropic.block_stop(at))
        ),
        anthropic.block_start(3, type="text", text=""),
        anthropic.text_delta("hi", 3),
        anthropic.block_delta(3, type="citations_delta", citation=PLACE),
        anthropic.block_stop(3),
        ended,
        anthropic.STOP,
    )


def gemini_whole():
    told = google.content({"text": "hi"}, IMAGE, {"executableCode": {"code": "1"}})
    told["candidates"][0] |= FOUND
    return orjson.dumps(told)


def gemini_stream():
    told = google.chunk({"text": "hi"}, IMAGE, {"executableCode": {"code": "1"}})
    told["candidates"][0] |= FOUND
    return google.stream(told, google.last())


def responses_output():
    said = items.said("hi")
    said["content"][0] |= {"logprobs": LOGPROBS["content"]}
    return [
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        items.thought("hm") | {"encrypted_content": "c2ln"},
        said,
    ]


def responses_stream():
    whole = items.response(responses_output())
    done = [{"type": "response.output_item.done", "output_index": at, "item": item} for at, item in enumerate(whole["output"])]
    events = [
        {"type": "response.created", "response": items.response([])},
        *done,
        {"type": "response.completed", "response": whole},
    ]
    return b"".join(encode(orjson.dumps(each)) for each in events)


WHOLE = {
    "openai": chat_whole(),
    "anthropic": messages_whole(),
    "gemini": gemini_whole(),
    "responses": orjson.dumps(items.response(responses_output())),
    "bedrock": orjson.dumps(bedrock.whole(QUOTED, {"image": {"format": "png"}})),
}
STREAMED = {
    "openai": chat_stream(),
    "anthropic": messages_stream(),
    "gemini": gemini_stream(),
    "responses": responses_stream(),
    "bedrock": b"".join(
        bedrock.events(
            [*bedrock.said(), bedrock.delta(0, citation={"title": "a"})],
            [bedrock.event("contentBlockStart", contentBlockIndex=1, start={"image": {"format": "png"}})],
        )
    ),
}
_SAID = {
    "openai": {"logprobs", "audio"},
    "anthropic": {"hosted_tools", "safety", "citations"},
    "gemini": {"logprobs", "citations", "images", "hosted_tools"},
    "responses": {"logprobs", "hosted_tools"},
    "bedrock": {"citations", "images"},
}
"""What no client gets."""
_MORE = {
    ("anthropic", "openai"): {"n"},
    ("responses", "openai"): {"n"},
    ("openai", "anthropic"): {"signatures", "thoughts"},
    ("openai", "responses"): {"signatures"},
    ("anthropic", "responses"): {"signatures"},
}
"""What one client does not get from one provider."""
PAIRS = [(client, api) for client in ("openai", "anthropic", "gemini", "responses") for api in WHOLE if client != api]


def lost(client, api, raw, *, stream):
    told = []
    operation = operation_for("POST", DIALECTS[client].target(stream))
    decoder = dialect(client).answer(operation, stream, True, 200)
    whole = answer_in(operation, api, Conversation((), ()), decoder, stream=stream, status=200, lose=told.append)
    for event in [*whole.feed(raw), *whole.end()]:
        event.encode()
    return set(told)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "api"), PAIRS)
def test_what_an_answer_loses_is_told(client, api, stream):
    told = lost(client, api, (STREAMED if stream else WHOLE)[api], stream=stream)

    assert _SAID[api] | _MORE.get((client, api), set()) == told
    assert told <= LOSSES.keys()


PLAIN = {
    "openai": (orjson.dumps(chat.chat_completion()), b"".join(chat.chat_events())),
    "anthropic": (orjson.dumps(anthropic.message()), b"".join(anthropic.message_events())),
    "gemini": (orjson.dumps(google.said()), b"".join(google.events())),
    "responses": (orjson.dumps(items.response()), b"".join(items.response_events([items.said("hi")]))),
    "bedrock": (orjson.dumps(bedrock.whole({"text": "hi"})), b"".join(bedrock.events(bedrock.said()))),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("client", "api"), PAIRS)
def test_words_alone_lose_nothing(client, api, stream):
    assert set() == lost(client, api, PLAIN[api][stream], stream=stream)
