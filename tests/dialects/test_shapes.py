"""Answers of compatible servers with one member of a wrong type: what a client needs of them still comes, or an error does.

Each member of a good answer, whole and streamed, is replaced by values of other types. Where it is not on the way to a text or to a
call of a tool, both must arrive; where it is, the answer is refused, or an event of it is told as dropped.
"""

import copy

import orjson
import pytest

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.registry import conversations, dialect, operation_for, spec
from outgate.errors import WireError
from outgate.inference.conversation import Call, Conversation, Text
from support import anthropic_answers as claude
from support import bedrock_answers as bedrock
from support import gemini_answers as google
from support import openai_answers as chat
from support import responses_answers as made
from support.spoken import heard
from support.sse import event
from support.talks import DIALECTS, PROVIDERS

SAID, NAME, ARGUMENT = "seven routers", "reset_it", "the-router"
ARGUMENTS = orjson.dumps({"device": ARGUMENT}).decode()
ASKED = Conversation((), (), model="m")
WRONG = (5, "odd", None, [], [5], {"odd": 5})
QUOTED = {"type": "url_citation", "url_citation": {"url": "https://a.test/x", "title": "T", "start_index": 0, "end_index": 5}}
CALL = {"id": "call_1", "type": "function", "function": {"name": NAME, "arguments": ARGUMENTS}}
SPENT = {"cacheReadInputTokens": 2}


def _whole():
    usage = {**chat.USAGE, "prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 1}}
    completion = chat.chat_completion(SAID, tool_calls=[CALL], reasoning_content="hm", annotations=[QUOTED], refusal=None)
    web = {"type": "web_search_result_location", "url": "https://a.test/x", "title": "T", "cited_text": "s", "encrypted_index": ""}
    blocks = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": SAID, "citations": [web]},
        {"type": "tool_use", "id": "toolu_1", "name": NAME, "input": {"device": ARGUMENT}},
    ]
    said = made.said(SAID)
    said["content"][0]["annotations"] = [{"type": "url_citation", "url": "https://a.test/x", "title": "T", "start_index": 0}]
    parts = {"text": "hm", "thought": True}, {"text": SAID}, {**google.call(NAME, {"device": ARGUMENT}), "thoughtSignature": "c2ln"}
    content = google.content(*parts)
    content["candidates"][0]["citationMetadata"] = {
        "citationSources": [{"uri": "https://a.test/x", "startIndex": 0, "endIndex": 5}]
    }
    thought = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}}
    call = {"toolUse": {"toolUseId": "t_1", "name": NAME, "input": {"device": ARGUMENT}}}
    return {
        "openai": {**completion, "usage": usage},
        "responses": made.response([made.thought("hm"), said, made.called(NAME, ARGUMENTS)]),
        "anthropic": {**claude.message(), "content": blocks, "stop_reason": "tool_use"},
        "gemini": content,
        "bedrock": bedrock.whole(thought, {"text": SAID}, call, stop="tool_use", told=bedrock.usage((9, 5), **SPENT)),
    }


WHOLE = _whole()
NEEDED = {
    "openai": {"choices", "message", "content", "tool_calls", "function", "name", "arguments"},
    "responses": {"output", "type", "content", "text", "name", "arguments", "status"},
    "anthropic": {"content", "type", "text", "name", "input"},
    "gemini": {"candidates", "content", "parts", "text", "thought", "functionCall", "name", "args", "finishReason"},
    "bedrock": {"output", "message", "content", "text", "toolUse", "name", "input"},
}
"""Members on the way to a text or to a call, by dialect."""


def ways(tree, way=()):
    """The way to every value of a tree, but for those that a model gave a tool."""
    if way and way[-1] in ("input", "args"):
        return
    pairs = (
        [each for each in tree.items() if each[0]] if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    )
    for key, value in pairs:
        yield (*way, key)
        yield from ways(value, (*way, key))


def replaced(tree, way, value):
    tree = copy.deepcopy(tree)
    holder = tree
    for key in way[:-1]:
        holder = holder[key]
    holder[way[-1]] = value
    return tree


def needed(api, way):
    """Whether a text or a call hangs on it."""
    return all(isinstance(key, int) or key in NEEDED[api] for key in way)


def answered(client, api, raw, *, stream):
    operation = operation_for("POST", DIALECTS[client].target(stream))
    decoder = answer_in(operation, api, ASKED, dialect(client).answer(operation, stream, True), stream=stream, status=200)
    return [*decoder.feed(raw), *decoder.end()]


def odd(tree, way):
    """The values of other types in its place."""
    holder = tree
    for key in way:
        holder = holder[key]
    return [value for value in WRONG if type(value) is not type(holder)] + ([[5], ["odd"]] if isinstance(holder, list) else [])


def _streams():
    """The events of a stream of each provider, and how each is told."""
    text, calls = {"role": "assistant", "content": SAID}, [chat.call_chunk(id="call_1", name=NAME), chat.call_chunk(ARGUMENTS)]
    ended = [chat.chunk({}, "tool_calls"), chat.usage_chunk(chat.USAGE)]
    web = {"type": "web_search_result_location", "url": "https://a.test/x", "title": "T", "cited_text": "s", "encrypted_index": ""}
    blocks = [
        claude.message_start(),
        claude.block_start(0, type="thinking", thinking="", signature=""),
        claude.block_delta(0, type="thinking_delta", thinking="hm"),
        claude.block_delta(0, type="signature_delta", signature="c2ln"),
        claude.block_stop(0),
        claude.block_start(1, type="text", text=""),
        claude.text_delta(SAID, 1),
        claude.block_delta(1, type="citations_delta", citation=web),
        claude.block_stop(1),
        claude.block_start(2, type="tool_use", id="toolu_1", name=NAME, input={}),
        claude.input_delta(ARGUMENTS, 2),
        claude.block_stop(2),
        claude.message_delta("tool_use"),
        claude.STOP,
    ]
    parts = [
        {"text": "hm", "thought": True},
        {"text": SAID},
        {**google.call(NAME, {"device": ARGUMENT}), "thoughtSignature": "c2ln"},
    ]
    return {
        "openai": [
            chat.chunk({"reasoning_content": "hm"}),
            chat.chunk(text),
            chat.chunk({"annotations": [QUOTED]}),
            *calls,
            *ended,
        ],
        "responses": [
            orjson.loads(raw.partition(b"data: ")[2]) for raw in made.response_events(WHOLE["responses"]["output"], size=99)
        ],
        "anthropic": blocks,
        "gemini": [*map(google.chunk, parts), google.last()],
        "bedrock": [
            {"": "messageStart", "role": "assistant"},
            {"": "contentBlockDelta", "contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}},
            {"": "contentBlockDelta", "contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}},
            {"": "contentBlockStop", "contentBlockIndex": 0},
            {"": "contentBlockDelta", "contentBlockIndex": 1, "delta": {"text": SAID}},
            {"": "contentBlockStop", "contentBlockIndex": 1},
            {"": "contentBlockStart", "contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t_1", "name": NAME}}},
            {"": "contentBlockDelta", "contentBlockIndex": 2, "delta": {"toolUse": {"input": ARGUMENTS}}},
            {"": "contentBlockStop", "contentBlockIndex": 2},
            {"": "messageStop", "stopReason": "tool_use"},
            {"": "metadata", "usage": bedrock.usage((9, 5)), "metrics": {"latencyMs": 40}},
        ],
    }


STREAMS = _streams()
NEEDED_OF_EVENTS = {
    "openai": {"choices", "delta", "content", "tool_calls", "function", "name", "arguments", "finish_reason"},
    "responses": {"type", "delta", "text", "arguments", "item", "name", "content", "part", "response", "status", "error"},
    "anthropic": {"type", "content_block", "delta", "text", "partial_json", "name", "input"},
    "gemini": NEEDED["gemini"],
    "bedrock": {"", "delta", "text", "toolUse", "input", "name", "start", "contentBlockIndex"},
}


def raw_of(api, events):
    if api == "bedrock":
        return b"".join(bedrock.event(each[""], **{name: each[name] for name in each if name}) for each in events)
    if api in ("anthropic", "responses"):
        return b"".join(b"event: " + str(each["type"]).encode() + b"\n" + event(each) for each in events)
    return b"".join(map(event, events)) + (chat.DONE if api == "openai" else b"")


def complete(client, raw):
    """Whether a client has the text and the call."""
    parts = heard(spec(client).converter, raw).alternatives[0].parts
    texts = "".join(part.text for part in parts if isinstance(part, Text))
    calls = [(part.name, orjson.loads(part.arguments)) for part in parts if isinstance(part, Call)]
    return texts == SAID and calls == [(NAME, {"device": ARGUMENT})] and DIALECTS[client].end in raw.decode()


CLIENTS = sorted(conversations())
PAIRS = [(CLIENTS[at % len(CLIENTS)], api) for at, api in enumerate(PROVIDERS, 1)]
"""Each provider's answers for one client: what its writer is given has no odd members any more."""
SOME = [pytest.param(*pair, id="-".join(pair)) for pair in PAIRS if pair[0] != pair[1]]


@pytest.mark.parametrize(("client", "api"), SOME)
def test_a_whole_answer_survives_an_odd_member(client, api):
    lost = []
    for way in ways(WHOLE[api]):
        for value in odd(WHOLE[api], way):
            try:
                sent = b"".join(
                    event.encode() for event in answered(client, api, orjson.dumps(replaced(WHOLE[api], way, value)), stream=False)
                )
            except WireError as error:
                lost += [] if needed(api, way) else [(way, value, str(error))]
                continue
            if not needed(api, way) and not all(each in sent.decode() for each in (SAID, NAME, ARGUMENT)):
                lost.append((way, value, sent))

    assert [] == lost


@pytest.mark.parametrize(("client", "api"), SOME)
def test_a_stream_survives_an_odd_member(client, api):
    lost, told = [], STREAMS[api]
    assert complete(client, b"".join(each.encode() for each in answered(client, api, raw_of(api, told), stream=True)))
    for at, event_ in enumerate(told):
        for way in ways(event_):
            need = all(isinstance(key, int) or key in NEEDED_OF_EVENTS[api] for key in way)
            for value in odd(event_, way):
                raw = raw_of(api, [*told[:at], replaced(event_, way, value), *told[at + 1 :]])
                try:
                    sent = b"".join(each.encode() for each in answered(client, api, raw, stream=True))
                except WireError as error:
                    lost += [] if need else [(at, way, value, str(error))]
                    continue
                if not need and not complete(client, sent):
                    lost.append((at, way, value, sent[-300:]))

    assert [] == lost
