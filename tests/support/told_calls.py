"""Answers that call tools, in every dialect that has conversations, and what a reader of calls lets go on of them."""

import itertools

import orjson

from outgate.dialects.registry import SPECS, dialect, spec
from outgate.inference.calls import Call
from outgate.inference.operation import Kind, Operation
from support import anthropic_answers as a
from support import gemini_answers as g
from support import openai_answers as o
from support import responses_answers as r

CHATS = [each.name for each in SPECS if any(template.kind is Kind.CHAT for template in each.paths)]
WORDS = "[taken out]"
ARGUMENTS = '{"device":"r\\u006futer","note":"a \\"b\\" \\n","list":[1,{"x":null}]}'
READ = Call("read", '{"path":"/x"}')
RESET = Call("reset", ARGUMENTS)


class Decider:
    """Refuses calls of `reset`, and remembers what it was shown."""

    def __init__(self, refuse=lambda call: call.name == "reset" or call.fault):
        self.shown, self._refuse = [], refuse

    def __call__(self, call):
        self.shown.append(call)
        return WORDS if self._refuse(call) else None


def streamed(name, *calls, size=3):
    """The bytes of a stream that says `Hm.` and calls these."""
    if name == "openai":
        chunks = [o.chunk({"role": "assistant", "content": "Hm."})]
        for index, call in enumerate(calls):
            for at, piece in enumerate(("", *cut(call.arguments, size))):
                function = {"arguments": piece} | ({"name": call.name} if at == 0 else {})
                named = {"id": f"call_{index}", "type": "function"} if at == 0 else {}
                chunks.append(o.chunk({"tool_calls": [{"index": index, **named, "function": function}]}))
        return o.chat_stream(*chunks, o.chunk({}, "tool_calls" if calls else "stop"), o.usage_chunk(o.USAGE))
    if name == "responses":
        output = [r.said("Hm."), *(r.called(call.name, call.arguments, f"call_{at}") for at, call in enumerate(calls))]
        return b"".join(r.response_events(output, size=size))
    if name == "gemini":
        parts = (g.chunk(g.call(call.name, orjson.loads(call.arguments))) for call in calls)
        return g.stream(g.chunk({"text": "Hm."}), *parts, g.last())
    events = [a.message_start(), a.block_start(0, type="text", text=""), a.text_delta("Hm."), a.block_stop(0)]
    for at, call in enumerate(calls, start=1):
        events.append(a.block_start(at, type="tool_use", id=f"toolu_{at}", name=call.name, input={}))
        events += [a.input_delta(piece, at) for piece in cut(call.arguments, size)]
        events.append(a.block_stop(at))
    return a.message_stream(*events, a.message_delta("tool_use" if calls else "end_turn"), a.STOP)


def whole(name, *calls):
    """The body of an answer that says `Hm.` and calls these."""
    if name == "openai":
        functions = [{"name": call.name, "arguments": call.arguments} for call in calls]
        return o.chat_completion(
            "Hm.", tool_calls=[{"id": f"call_{at}", "type": "function", "function": each} for at, each in enumerate(functions)]
        )
    if name == "responses":
        return r.response([r.said("Hm."), *(r.called(call.name, call.arguments, f"call_{at}") for at, call in enumerate(calls))])
    if name == "gemini":
        return g.content({"text": "Hm."}, *(g.call(call.name, orjson.loads(call.arguments)) for call in calls))
    blocks = [
        {"type": "tool_use", "id": f"toolu_{at}", "name": call.name, "input": orjson.loads(call.arguments)}
        for at, call in enumerate(calls)
    ]
    return {**a.message("Hm."), "content": [{"type": "text", "text": "Hm."}, *blocks], "stop_reason": "tool_use"}


def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]


def answered(name, raw, decide, *, stream=True, rest=True):
    """What of the bytes of an answer goes on, as bytes."""
    decoder = dialect(name).answer(Operation(name, Kind.CHAT), stream, True)
    reader = spec(name).calls(decide)
    passed = []
    for each in itertools.chain(decoder.feed(raw), decoder.end() if not stream else ()):
        if each.last and stream and rest:
            passed += reader.rest()
        passed += reader.feed(each)
    return b"".join(each.encode() for each in passed)
