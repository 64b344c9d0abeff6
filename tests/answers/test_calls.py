"""Calls in an answer: the same in every API, whatever their ids, however their arguments were cut and written."""

import orjson
import pytest

from outgate.answers.calls import Counted, calls
from outgate.dialects.registry import dialect
from outgate.inference.operation import Kind, Operation
from support import gemini_answers as google
from support.talks import DIALECTS
from support.tool_calls import answering

CUT = [(name, stream) for name in DIALECTS for stream in (False, True)]


def calls_of(name, stream, arguments, was="", becomes=""):
    return calls(events_of(name, stream, arguments, was, becomes))


def events_of(name, stream, arguments, was="", becomes=""):
    answer = answering(DIALECTS[name].ask("hi", stream), arguments, stream=stream)
    raw = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    return dialect(name).redecode(Operation(name, Kind.CHAT), stream, raw.replace(was.encode(), becomes.encode()))


@pytest.mark.parametrize(("name", "stream"), CUT)
def test_order_and_space_in_arguments_and_ids_do_not_count(name, stream):
    same = calls_of(name, stream, '{"b": 2,  "a":1}', "_1", "_2")

    assert same == calls_of(name, stream, '{"a":1,"b":2}')
    assert "reset" in "".join(same)


@pytest.mark.parametrize("arguments", ['{"a":2,"b":2}', '{"a":1}', '{"b":2,"c":1}', '{"a":"1","b":2}', "{}"])
@pytest.mark.parametrize(("name", "stream"), CUT)
def test_every_other_argument_counts(name, stream, arguments):
    assert calls_of(name, stream, arguments) != calls_of(name, stream, '{"a":1,"b":2}')


@pytest.mark.parametrize(("name", "stream"), CUT)
def test_the_name_counts(name, stream):
    assert calls_of(name, stream, "{}", '"reset"', '"wipe"') != calls_of(name, stream, "{}")


@pytest.mark.parametrize(("name", "stream"), CUT)
def test_an_answer_in_words_calls_nothing(name, stream):
    talk = DIALECTS[name]
    asked = talk.ask("hi", stream)
    raw = b"".join(talk.events(asked, ["a"], (9, 5))) if stream else orjson.dumps(talk.whole(asked, "a", (9, 5)))

    assert [] == calls(dialect(name).redecode(Operation(name, Kind.CHAT), stream, raw))


@pytest.mark.parametrize(("name", "stream"), CUT)
def test_calls_are_counted_once_however_they_are_cut(name, stream):
    counted = Counted()
    for event in events_of(name, stream, '{"a":1,"b":2}'):
        if event.calls_tool:
            counted.add(event)

    assert 1 == counted.number


NOTHING, SOMETHING = {"functionCall": {"name": "reset"}}, google.call("reset", {"a": 1})


@pytest.mark.parametrize(("parts", "number"), [([NOTHING], 1), ([NOTHING, SOMETHING], 2), ([SOMETHING, SOMETHING], 2)])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_given_nothing_counts(parts, number, stream):
    raw = google.stream(google.chunk(*parts), google.last()) if stream else orjson.dumps(google.content(*parts))
    counted = Counted()
    for event in dialect("gemini").redecode(Operation("gemini", Kind.CHAT), stream, raw):
        if event.calls_tool:
            counted.add(event)

    assert number == counted.number
