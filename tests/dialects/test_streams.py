"""Answers pass as they are: odd events are carried or dropped, one by one, and never cost the rest of an answer.

What holds for every dialect is generated from the registry. Each row of a dialect's own table is an odd spelling of one answer.
"""

import orjson
import pytest

from outgate.dialects.events import Aside
from outgate.dialects.registry import SPECS
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Finish
from support.sse import frames
from support.talks import TALKS
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES, Spoken, joined

SPOKEN = {spec.name: Spoken(spec.name) for spec in SPECS}
EVERY = [(spec.name, template.line) for spec in SPECS for template in spec.paths if template.kind is Kind.CHAT]
OPERATIONS = {spec.name: Operation(spec.name, Kind.CHAT) for spec in SPECS}
WORDS = ["Write to <EM", "AIL_1", "> now"]
every_dialect = pytest.mark.parametrize(("name", "line"), EVERY, ids=[name for name, _ in EVERY])

SIGNS_OF_LIFE = [
    b": keepalive\n\n", b":\n\n", b": one\n: two\n\n", b"\n\n", b"event: ping\n\n", b"id: 7\nretry: 3\n\n", b"data:\n\n",
    b"data: \n\n", b": OPENROUTER PROCESSING\r\n\r\n",
]  # fmt: skip
UNREADABLE = [
    b"data: : keepalive\n\n", b"data: ping\n\n", b"event: novel\ndata: x\n\n", b"data: null\n\n", b'data: "text"\n\n',
    b"data: [1]\n\n",
]  # fmt: skip
CARRIED = [
    b'data: {"type":"novel","note":"x"}\n\n', b'event: novel\ndata: {"type":"novel"}\n\n', b'data: {"type":"ping"}\n\n',
    b'data: {"type":"novel","n":NaN,"m":-Infinity,"k":1e999}\n\n', b'data: {"type":"novel","half":"\\ud83d"}\n\n',
    b'data: {"type":"novel","type":"novel"}\n\n', b'data: {"type":"novel","bad":"\xff"}\n\n',
    b'data: {"type":"novel",\ndata: "a":1}\n\n',
    b'data:   {"type":"novel"}\n\n', b'data: {"type":"novel","tab":"a\tb"}\n\n', b'data: \xef\xbb\xbf{"type":"novel"}\n\n',
]  # fmt: skip


def stream_of(name, line):
    return TALKS[name, line].events({"stream_options": {"include_usage": True}}, WORDS, (9, 5))


def life(name):
    return b"\n" if name == "gemini" else b": keep-alive\n\n"  # Google's SDK takes a comment for an event


def read(name, raw):
    return SPOKEN[name].read(OPERATIONS[name], raw)


def heard(name, line, events):
    """What a client reads of the events, and whether the answer came to its end."""
    raw = b"".join(event.encode() for event in events)
    return TALKS[name, line].heard(raw), TALKS[name, line].end in raw.decode() and events[-1].last


@every_dialect
@pytest.mark.parametrize("odd", [*SIGNS_OF_LIFE, *UNREADABLE, *CARRIED])
def test_an_odd_event_anywhere_never_costs_the_rest(name, line, odd):
    events = stream_of(name, line)
    for at in range(len(events)):
        assert ("".join(WORDS), True) == heard(name, line, read(name, b"".join([*events[:at], odd, *events[at:]])))


@every_dialect
@pytest.mark.parametrize("odd", UNREADABLE)
def test_what_cannot_be_read_is_dropped_and_told(name, line, odd):
    events = stream_of(name, line)
    asides = [each for each in read(name, b"".join([events[0], odd, *events[1:]])) if isinstance(each, Aside)]

    assert [True] == [bool(each.fault) for each in asides]
    assert life(name) == asides[0].encode()


@every_dialect
@pytest.mark.parametrize("odd", SIGNS_OF_LIFE)
def test_a_sign_of_life_is_passed_on_without_its_words(name, line, odd):
    decoder = SPOKEN[name].answer(OPERATIONS[name], True, True)

    assert {life(name)} == {each.encode() for each in decoder.feed(odd)}


@every_dialect
@pytest.mark.parametrize("odd", CARRIED)
def test_what_is_carried_leaves_as_strict_json(name, line, odd):
    [event] = SPOKEN[name].answer(OPERATIONS[name], True, True).feed(odd)
    [frame] = frames(event.encode())

    assert frame["type"] in ("novel", "ping")


@every_dialect
@pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"\n\n"])
def test_line_ends_and_a_byte_order_mark_change_nothing(name, line, ends, start):
    raw = start + b"".join(stream_of(name, line)).replace(b"\n", ends.encode())

    assert ("".join(WORDS), True) == heard(name, line, read(name, raw))


@every_dialect
def test_the_last_blank_line_may_be_missing(name, line):
    for cut in (1, 2):
        assert ("".join(WORDS), True) == heard(name, line, read(name, b"".join(stream_of(name, line))[:-cut]))


@every_dialect
def test_a_stream_of_nothing_that_can_be_read_is_no_answer(name, line):
    with pytest.raises(WireError) as refused:
        read(name, b"<html>\n\ndata: busy\n\n")

    assert "truncated" == refused.value.code


@every_dialect
def test_extra_and_null_members_are_carried_at_every_object(name, line):
    def grown(value):
        if isinstance(value, dict):
            return {**{key: grown(inner) for key, inner in value.items()}, "novel": None, "x": [1, {"y": True}]}
        return [grown(each) for each in value] if isinstance(value, list) else value

    raw = b"".join(_changed(event, grown) for event in stream_of(name, line))

    assert ("".join(WORDS), True) == heard(name, line, read(name, raw))


def _changed(event, change):
    """An event with other JSON in it."""
    lines = event.split(b"\n")
    return b"\n".join(
        b"data: " + orjson.dumps(change(orjson.loads(each[6:]))) if each.startswith(b"data: {") else each for each in lines
    )


def chunk(delta, **choice):
    return {"choices": [{"delta": delta, **choice}]}


SAID = [chunk({"content": word}, index=0, finish_reason=None) for word in WORDS]
STOPPED = chunk({}, index=0, finish_reason="stop")
CALLS = (
    [{"function": {"name": "f", "arguments": '{"to":'}}],
    [{"function": {"arguments": '"<EMAIL_'}}],
    [{"function": {"arguments": '1>"}'}}],
)
CONTENT = ("choices", 0, "delta", "content")
ARGUMENTS = ("choices", 0, "delta", "tool_calls", 0, "function", "arguments")
SPELLINGS = {
    "no index": [*(chunk({"content": word}) for word in WORDS), chunk({}, finish_reason="stop")],
    "null index": [*(chunk({"content": word}, index=None) for word in WORDS), chunk({}, finish_reason="stop")],
    "an index in quotes": [*(chunk({"content": word}, index="0") for word in WORDS), chunk({}, index="0", finish_reason="stop")],
    "empty reasons": [*(chunk({"content": word}, index=0, finish_reason="") for word in WORDS), STOPPED],
    "no reason at all": SAID,
    "null delta": [*SAID, chunk(None, index=0, finish_reason="stop")],
    "null content": [chunk({"role": "assistant", "content": None}, index=0), *SAID, STOPPED],
    "null choices": [{"choices": None, "usage": None}, *SAID, STOPPED],
    "no choices": [{"id": "x", "model": "m"}, *SAID, STOPPED],
    "an object of choices": [{"choices": {}}, *SAID, STOPPED],
    "a choice that is none": [{"choices": [None, "x", 1]}, *SAID, STOPPED],
    "a filter's report first": [{"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, *SAID, STOPPED],
    "odd usage": [*SAID, STOPPED, {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": "x"}}],
    "usage that is none": [*SAID, STOPPED, {"choices": [], "usage": "none"}],
    "odd log probabilities": [
        {"choices": [{**each["choices"][0], "logprobs": {"content": None, "text_offset": []}}]} for each in SAID
    ],
    "an empty chunk behind the reason": [*SAID, STOPPED, chunk({"content": ""}, index=0, finish_reason=None)],
    "a null error": [{**each, "error": None} for each in SAID],
}  # fmt: skip


@pytest.mark.parametrize("chunks", SPELLINGS.values(), ids=SPELLINGS)
def test_odd_chunks_of_openai_make_one_text(chunks):
    events = OPENAI.read(CHAT, b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in chunks) + b"data: [DONE]\n\n")
    opened = [at for at, event in enumerate(events) if any(text.part == CONTENT and text.text for text in event.texts)]
    closed = [at for at, event in enumerate(events) if CONTENT in event.closes]

    assert "".join(WORDS) == joined(events)[CONTENT]
    assert 3 == len(opened)
    assert all(at >= opened[-1] for at in closed), "a part that closes between its pieces gives no value back"
    assert b"".join(each.encode() for each in events).startswith(b"data: " + orjson.dumps(chunks[0])[:12])


@pytest.mark.parametrize("reason", ["stop", "weird", 7])
def test_an_odd_spelling_that_finished_may_end_without_done(reason):
    chunks = [*SPELLINGS["no index"][:-1], chunk({}, finish_reason=reason)]
    events = OPENAI.read(CHAT, b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in chunks))

    assert b"data: [DONE]\n\n" == events[-1].encode()


def test_calls_without_index_continue_by_position():
    chunks = [chunk({"tool_calls": calls}) for calls in CALLS]
    events = OPENAI.read(CHAT, b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in chunks) + b"data: [DONE]")
    held = events[1].only(0, "<EMAIL_1>")

    assert '{"to":"<EMAIL_1>"}' == joined(events)[ARGUMENTS]
    assert ARGUMENTS == held.texts[0].part


@pytest.mark.parametrize("second", [{"index": 1}, {}])
def test_text_held_back_of_a_second_choice_keeps_its_choice(second):
    raw = b"data: " + orjson.dumps({"choices": [{"delta": {"content": "a"}}, {**second, "delta": {"content": "b"}}]}) + b"\n\n"
    [event] = OPENAI.answer(CHAT, True, True).feed(raw)
    held = event.only(1, "x")

    assert event.texts[1].part == held.texts[0].part
    assert 1 == frames(held.encode())[0]["choices"][0]["index"]


@pytest.mark.parametrize(
    ("spoken", "operation"),
    [(OPENAI, CHAT), (ANTHROPIC, MESSAGES), (RESPONSES, RESPONSE)],
    ids=["openai", "anthropic", "responses"],
)
@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"error":{"message":"busy","code":529}}\n\n',
        b'data: {"error":"busy"}\n\n',
        b'event: error\ndata: {"error":["busy"]}\n\n',
        b'data: {"type":"error","message":"busy"}\n\n',
    ],
)
def test_an_error_in_a_stream_ends_it_in_any_shape(spoken, operation, raw):
    [event] = spoken.answer(operation, True, True).feed(raw)

    assert (True, Finish.ERROR) == (event.last, event.finish)
    assert "busy" in [text.text for text in event.texts]


@pytest.mark.parametrize("raw", [b'data: {"object":"error","message":"busy"}\n\n', b'event: error\ndata: {"message":"busy"}\n\n'])
def test_an_error_of_vllm_ends_a_stream(raw):
    [event] = OPENAI.answer(CHAT, True, True).feed(raw)

    assert (True, Finish.ERROR) == (event.last, event.finish)


TEXT_BLOCK = {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}
PIECES = [{"type": "content_block_delta", "delta": {"type": "text_delta", "text": word}} for word in WORDS]
ENDING = [{"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, {"type": "message_stop"}]
MESSAGES_SPELLED = {
    "no index": [TEXT_BLOCK, *PIECES, {"type": "content_block_stop"}, *ENDING],
    "no start": [*PIECES, *ENDING],
    "no stop": [TEXT_BLOCK, *PIECES, *ENDING],
    "no message_stop": [TEXT_BLOCK, *PIECES, *ENDING[:1]],
    "null usage": [TEXT_BLOCK, *PIECES, {**ENDING[0], "usage": None}, ENDING[1]],
    "another member first": [{"type": each["type"], "meta": {"a": [1]}, "delta": each["delta"]} for each in PIECES] + ENDING,
    "unknown events": [TEXT_BLOCK, {"type": "novel", "index": "x"}, *PIECES, {"type": "content_block_novel"}, *ENDING],
    "unknown deltas": [TEXT_BLOCK, {"type": "content_block_delta", "index": 0, "delta": {"type": "n", "n": "y"}}, *PIECES, *ENDING],
    "a null block": [{"type": "content_block_start", "index": 0, "content_block": None}, *PIECES, *ENDING],
}  # fmt: skip


@pytest.mark.parametrize("events", MESSAGES_SPELLED.values(), ids=MESSAGES_SPELLED)
def test_odd_events_of_anthropic_make_one_text(events):
    raw = b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in events)
    found = ANTHROPIC.read(MESSAGES, raw)

    assert "".join(WORDS) == joined(found)[0, "text"]
    assert found[-1].encode().endswith(b'data: {"type":"message_stop"}\n\n')
    closing = [at for at, event in enumerate(found) if (0, "text") in event.closes]
    speaking = [at for at, event in enumerate(found) if any(text.part == (0, "text") for text in event.texts)]
    assert min(closing) > max(speaking)


def test_an_event_of_anthropic_without_type_has_that_of_its_name():
    piece = b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"a"}}\n\n'
    [event] = ANTHROPIC.answer(MESSAGES, True, True).feed(piece)

    assert (0, "text") == event.texts[0].part
    assert piece == event.encode()


@pytest.mark.parametrize(
    "extra", [{"output_index": "0"}, {"output_index": None}, {"content_index": "x"}, {"sequence_number": None}]
)
def test_odd_positions_of_a_response_are_carried(extra):
    piece = {"type": "response.output_text.delta", "item_id": "m", "output_index": 0, "content_index": 0, "delta": "a", **extra}
    [event] = RESPONSES.answer(RESPONSE, True, True).feed(b"data: " + orjson.dumps(piece) + b"\n\n")

    assert "a" in [text.text for text in event.texts]
    assert [piece] == frames(event.encode())


@pytest.mark.parametrize("kind", ["x\ny", "", None, 5])
def test_a_name_that_would_end_its_line_is_left_out(kind):
    for spoken, operation in ((RESPONSES, RESPONSE), (ANTHROPIC, MESSAGES)):
        [event] = spoken.answer(operation, True, True).feed(b"data: " + orjson.dumps({"type": kind}) + b"\n\n")
        assert event.encode().startswith(b"data: ")


def test_a_whole_answer_is_read_like_its_events():
    raw = (
        b'\xef\xbb\xbf\n{"choices":[{"message":{"content":"a\\ud83d"},"logprobs":{"content":[{"token":"a","logprob":-Infinity}]}}]}'
    )
    [event] = OPENAI.read(CHAT, raw, stream=False)

    assert "a\ufffd" == orjson.loads(event.encode())["choices"][0]["message"]["content"]
