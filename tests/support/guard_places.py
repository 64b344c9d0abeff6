"""A place of each channel that a dialect can carry, in a request and in an answer, and the tables that say which those are.

A dialect that is registered without its row in `support.speeches` fails the guard matrix, as does a channel of its tables without a
place.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson

from outgate.dialects.anthropic import tables as anthropic
from outgate.dialects.openai import tables as openai
from outgate.dialects.responses import answers as responses_answers
from outgate.dialects.responses import tables as responses
from outgate.inference.prompt import Channel
from support import anthropic_answers as claude
from support import openai_answers as chat
from support import responses_answers as made
from support.speech import FIXED, SAID, Asked, Body, Speech, Told

C = Channel


def cut(text: str) -> list[str]:
    return [text[at : at + 3] for at in range(0, len(text), 3)]


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def named(text: str) -> Body:
    return {text: 1}


def quoted(text: str) -> Body:
    return {"q": text}


# Chat completions.

_HI: Body = {"role": "user", "content": "hi"}


def _after(message: Body, *more: Body) -> Body:
    return {"messages": [_HI, message, *more]}


def _chat_call(arguments: Body) -> Body:
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": _json(arguments)}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _chat_result(text: str) -> Body:
    return {"role": "tool", "tool_call_id": "call_1", "content": text}


_CHAT_ASKED = {
    C.SYSTEM: Asked(lambda text: {"messages": [{"role": "system", "content": text}, _HI]}, FIXED),
    C.USER: Asked(lambda text: {"messages": [{"role": "user", "content": text}]}),
    C.ASSISTANT: Asked(lambda text: _after({"role": "assistant", "content": text}, _HI), SAID),
    C.REASONING: Asked(lambda text: _after({"role": "assistant", "content": "ok", "reasoning_content": text}, _HI), FIXED),
    C.TOOL_RESULT: Asked(lambda text: _after(_chat_call({}), _chat_result(text))),
    C.TOOL_ARGUMENTS: Asked(lambda text: _after(_chat_call(quoted(text)), _chat_result("ok")), SAID),
    C.KEY: Asked(lambda text: _after(_chat_call(named(text)), _chat_result("ok")), SAID),
    C.TOOL_DEFINITION: Asked(
        lambda text: {"tools": [{"type": "function", "function": {"name": "look", "description": text}}]}, FIXED
    ),
    C.PARAMETER: Asked(lambda text: {"user": text}, FIXED),
}


def _chat_pieces(name: str, text: str) -> bytes:
    return chat.chat_stream(*(chat.chunk({name: piece}) for piece in cut(text)), chat.chunk({}, "stop"))


def _chat_calls(arguments: Body) -> bytes:
    pieces = map(chat.call_chunk, cut(_json(arguments)))
    return chat.chat_stream(chat.call_chunk(id="call_1", name="look"), *pieces, chat.chunk({}, "tool_calls"))


_CHAT_TOLD = {
    C.ASSISTANT: Told(chat.chat_completion, lambda text: _chat_pieces("content", text)),
    C.REASONING: Told(
        lambda text: chat.chat_completion("ok", reasoning_content=text), lambda text: _chat_pieces("reasoning_content", text)
    ),
    C.TOOL_ARGUMENTS: Told(
        lambda text: chat.chat_completion("", tool_calls=_chat_call(quoted(text))["tool_calls"]),
        lambda text: _chat_calls(quoted(text)),
    ),
    C.KEY: Told(
        lambda text: chat.chat_completion("", tool_calls=_chat_call(named(text))["tool_calls"]),
        lambda text: _chat_calls(named(text)),
        C.TOOL_ARGUMENTS,
    ),
}

# Messages.


def _blocks(role: str, *blocks: Body) -> Body:
    return {"role": role, "content": list(blocks)}


def _use(arguments: Body) -> Body:
    return {"type": "tool_use", "id": "toolu_1", "name": "look", "input": arguments}


def _result(text: str) -> Body:
    return _blocks("user", {"type": "tool_result", "tool_use_id": "toolu_1", "content": text})


def _thinking(text: str, signature: str) -> Body:
    return _blocks("assistant", {"type": "thinking", "thinking": text, "signature": signature}, {"type": "text", "text": "ok"})


CIPHER = "EqQBCkYIARgCKkBz" * 8
_CLAUDE_ASKED = {
    C.SYSTEM: Asked(lambda text: {"system": text}, FIXED),
    C.USER: Asked(lambda text: {"messages": [{"role": "user", "content": text}]}),
    C.ASSISTANT: Asked(lambda text: _after({"role": "assistant", "content": text}, _HI), SAID),
    C.REASONING: Asked(lambda text: _after(_thinking(text, CIPHER), _HI), FIXED),
    C.TOOL_RESULT: Asked(lambda text: _after(_blocks("assistant", _use({})), _result(text))),
    C.TOOL_ARGUMENTS: Asked(lambda text: _after(_blocks("assistant", _use(quoted(text))), _result("ok")), SAID),
    C.KEY: Asked(lambda text: _after(_blocks("assistant", _use(named(text))), _result("ok")), SAID),
    C.TOOL_DEFINITION: Asked(lambda text: {"tools": [{"name": "look", "description": text, "input_schema": {}}]}, FIXED),
    C.PARAMETER: Asked(lambda text: {"metadata": {"user_id": text}}, FIXED),
    C.SEALED: Asked(lambda text: _after(_thinking("so", text), _HI), FIXED, C.REASONING),
}


def _message(*blocks: Body) -> Body:
    return {**claude.message(), "content": list(blocks)}


def _streamed(start: Body, deltas: Iterable[Body]) -> bytes:
    begin = claude.message_start(), claude.block_start(0, **start)
    return claude.message_stream(*begin, *deltas, claude.block_stop(0), claude.message_delta(), claude.STOP)


def _inputs(arguments: Body) -> bytes:
    return _streamed(_use({}), map(claude.input_delta, cut(_json(arguments))))


def _thoughts(text: str) -> bytes:
    pieces = (claude.block_delta(0, type="thinking_delta", thinking=piece) for piece in cut(text))
    return _streamed({"type": "thinking", "thinking": "", "signature": ""}, pieces)


_CLAUDE_TOLD = {
    C.ASSISTANT: Told(claude.message, lambda text: _streamed({"type": "text", "text": ""}, map(claude.text_delta, cut(text)))),
    C.REASONING: Told(lambda text: _message({"type": "thinking", "thinking": text, "signature": CIPHER}), _thoughts),
    C.TOOL_ARGUMENTS: Told(lambda text: _message(_use(quoted(text))), lambda text: _inputs(quoted(text))),
    C.KEY: Told(lambda text: _message(_use(named(text))), lambda text: _streamed(_use(named(text)), ())),
}

# Responses.


def _items(*items: Body) -> Body:
    return {"input": [_HI, *items]}


def _function(arguments: Body) -> Body:
    return made.called("look", _json(arguments))


def _output(text: str) -> Body:
    return {"type": "function_call_output", "call_id": "call_1", "output": text}


def _thought(text: str, sealed: str = "gAAAA" + "Q" * 80) -> Body:
    return {**made.thought(text), "encrypted_content": sealed}


_RESPONSES_ASKED = {
    C.SYSTEM: Asked(lambda text: {"instructions": text}, FIXED),
    C.USER: Asked(lambda text: {"input": [{"role": "user", "content": text}]}),
    C.ASSISTANT: Asked(lambda text: _items(made.said(text), _HI), SAID),
    C.REASONING: Asked(lambda text: _items(_thought(text), made.said("ok"), _HI), FIXED),
    C.TOOL_RESULT: Asked(lambda text: _items(_function({}), _output(text))),
    C.TOOL_ARGUMENTS: Asked(lambda text: _items(_function(quoted(text)), _output("ok")), SAID),
    C.KEY: Asked(lambda text: _items(_function(named(text)), _output("ok")), SAID),
    C.TOOL_DEFINITION: Asked(lambda text: {"tools": [{"type": "function", "name": "look", "description": text}]}, FIXED),
    C.PARAMETER: Asked(lambda text: {"user": text}, FIXED),
    C.SEALED: Asked(lambda text: _items(_thought("so", text), made.said("ok"), _HI), FIXED, C.REASONING),
}


def _answer(*items: Body, **extra: Any) -> Body:
    return made.response(items, **extra)


def _events(*items: Body, **extra: Any) -> bytes:
    return b"".join(made.response_events(items, size=3, **extra))


def _told(item: Callable[[str], Body], seen: Channel | None = None) -> Told:
    return Told(lambda text: _answer(item(text)), lambda text: _events(item(text)), seen)


def _echoed(name: str, value: Callable[[str], Any]) -> Told:
    return Told(lambda text: _answer(**{name: value(text)}), lambda text: _events(**{name: value(text)}))


_RESPONSES_TOLD = {
    C.ASSISTANT: _told(made.said),
    C.REASONING: _told(made.thought),
    C.TOOL_ARGUMENTS: _told(lambda text: _function(quoted(text))),
    C.KEY: _told(lambda text: _function(named(text)), C.TOOL_ARGUMENTS),
    C.TOOL_RESULT: _told(
        lambda text: {"id": "mcp_1", "type": "mcp_call", "name": "look", "server_label": "s", "arguments": "{}", "output": text}
    ),
    C.TOOL_DEFINITION: _told(
        lambda text: {"id": "l_1", "type": "mcp_list_tools", "tools": [{"name": "look", "description": text}]}
    ),
    C.SYSTEM: _echoed("instructions", str),
    C.PARAMETER: _echoed("user", str),
}

PLACES: dict[str, Speech] = {
    "openai": Speech(
        "openai",
        lambda _: "/v1/chat/completions",
        lambda stream: {"model": "gpt-4o-mini", "stream": stream, "messages": [_HI]},
        (openai.CHAT, openai.COMPLETION, openai.CHUNK),
        _CHAT_ASKED,
        _CHAT_TOLD,
    ),
    "responses": Speech(
        "openai",
        lambda _: "/v1/responses",
        lambda stream: {"model": "gpt-5", "stream": stream, "input": "hi"},
        (responses.RESPONSES, responses_answers.RESPONSE, responses_answers.EVENT),
        _RESPONSES_ASKED,
        _RESPONSES_TOLD,
    ),
    "anthropic": Speech(
        "anthropic",
        lambda _: "/v1/messages",
        lambda stream: {"model": "claude-sonnet-4-5", "max_tokens": 99, "stream": stream, "messages": [_HI]},
        (anthropic.MESSAGES, anthropic.MESSAGE, anthropic.EVENT),
        _CLAUDE_ASKED,
        _CLAUDE_TOLD,
    ),
}
