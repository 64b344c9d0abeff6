"""Conversations whose answers call tools: how official SDKs read them, and a provider that gives them."""

import orjson
import pytest

from e2e.world import anthropic_client, openai_client
from support import anthropic_answers as a
from support import behaviours as b
from support import openai_answers as o
from support import responses_answers as r

ASKED = "Write to jane@mail.test"
MAIL = "jane@mail.test"


def said(text):
    return [{"role": "user", "content": text}]


def chat(gateway, text=ASKED, *, stream):
    """Text and calls that the SDK reads, and why the answer ended."""
    client = openai_client(gateway).chat.completions
    if not stream:
        choice = client.create(model="gpt-4o-mini", messages=said(text)).choices[0]
    else:
        with client.stream(model="gpt-4o-mini", messages=said(text)) as events:
            choice = events.until_done().get_final_completion().choices[0]
    calls = [(call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
    return choice.message.content, calls, choice.finish_reason


def responses(gateway, text=ASKED, *, stream):
    client = openai_client(gateway).responses
    if not stream:
        answer = client.create(model="gpt-5", input=text)
    else:
        with client.stream(model="gpt-5", input=text) as events:
            answer = events.until_done().get_final_response()
    return (
        answer.output_text,
        [(item.name, item.arguments) for item in answer.output if item.type == "function_call"],
        answer.status,
    )


def messages(gateway, text=ASKED, *, stream):
    client = anthropic_client(gateway).messages
    asked = {"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": said(text)}
    if not stream:
        answer = client.create(**asked)
    else:
        with client.stream(**asked) as events:
            answer = events.get_final_message()
    words = "".join(block.text for block in answer.content if block.type == "text")
    calls = [(block.name, orjson.dumps(block.input).decode()) for block in answer.content if block.type == "tool_use"]
    return words, calls, answer.stop_reason


ASK = {"openai": chat, "responses": responses, "anthropic": messages}
ENDS = {"openai": ("tool_calls", "stop"), "responses": ("completed", "completed"), "anthropic": ("tool_use", "end_turn")}


def calling(name, *calls):
    """A provider that says `Hm.` and calls these (name, arguments), a character at a time where it streams; `MAIL` stands for the
    placeholder in the question.
    """

    async def behave(call):
        asked = orjson.loads(call.seen.body)
        question = str(asked.get("input") or asked["messages"][-1]["content"])
        told = [(tool, arguments.replace("MAIL", question.removeprefix("Write to "))) for tool, arguments in calls]
        events, body = told_by(name, told)
        await (b.sse(events)(call) if asked.get("stream") else call.answer_json(body))

    return behave


def told_by(name, calls):
    if name == "openai":
        chunks = [o.chunk({"role": "assistant", "content": "Hm."})]
        for index, (tool, arguments) in enumerate(calls):
            pieces = [{"id": f"c{index}", "type": "function", "function": {"name": tool, "arguments": ""}}]
            pieces += [{"function": {"arguments": each}} for each in arguments]
            chunks += [o.chunk({"tool_calls": [{"index": index, **piece}]}) for piece in pieces]
        functions = [
            {"id": f"c{at}", "type": "function", "function": {"name": t, "arguments": x}} for at, (t, x) in enumerate(calls)
        ]
        raw = o.chat_stream(*chunks, o.chunk({}, "tool_calls"), o.usage_chunk(o.USAGE))
        return [raw], o.chat_completion("Hm.", tool_calls=functions)
    if name == "responses":
        output = [r.said("Hm."), *(r.called(tool, arguments, f"c{at}") for at, (tool, arguments) in enumerate(calls))]
        return r.response_events(output, size=1), r.response(output)
    events = [a.message_start(), a.block_start(0, type="text", text=""), a.text_delta("Hm."), a.block_stop(0)]
    blocks = [{"type": "text", "text": "Hm."}]
    for at, (tool, arguments) in enumerate(calls, start=1):
        block = {"type": "tool_use", "id": f"t{at}", "name": tool}
        events += [a.block_start(at, **block, input={}), *(a.input_delta(each, at) for each in arguments), a.block_stop(at)]
        blocks.append({**block, "input": orjson.loads(arguments)})
    raw = a.message_stream(*events, a.message_delta("tool_use"), a.STOP)
    return [raw], {**a.message(), "content": blocks, "stop_reason": "tool_use"}


cells = pytest.mark.parametrize(("name", "stream"), [(name, stream) for name in ASK for stream in (True, False)])
