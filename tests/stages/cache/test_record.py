import orjson
import pytest

from outgate.answers.settings import CacheSettings
from outgate.dialects.registry import dialect
from outgate.errors import Denial
from outgate.exchange.judging import CutError
from outgate.inference.judge import Cut, Replace
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import EventStream
from outgate.stages.cache.record import CacheRecord, Reads, Recording
from support.judging import Saying, at_once, guarded, through
from support.talks import DIALECTS
from support.tool_calls import answering

OPENAI = Operation("openai", Kind.CHAT)
ANTHROPIC = Operation("anthropic", Kind.CHAT)
KEY = b"k" * 32


def chunk(delta, finish="null", **more):
    usage = ',"usage":{"prompt_tokens":3,"completion_tokens":2}' if more else ""
    return f'data: {{"id":"c","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{usage}}}\n\n'.encode()


def whole(content='"hi"', finish="stop"):
    usage = '"usage":{"prompt_tokens":3,"completion_tokens":2}'
    choice = f'{{"index":0,"message":{{"role":"assistant","content":{content}}},"finish_reason":"{finish}"}}'
    return f'{{"id":"c","choices":[{choice}],{usage}}}'.encode()


def events(raw, operation=OPENAI, *, stream=False):
    return dialect(operation.dialect).redecode(operation, stream, raw)


def recorded(items, max_bytes=10_000, **kept):
    recording = Recording(max_bytes, **kept)
    for event in items:
        recording.passed(event)
    return recording


STREAM = chunk('{"content":"he"}') + chunk('{"content":"llo"}') + chunk("{}", '"stop"', usage=True) + b"data: [DONE]\n\n"


def test_a_whole_answer_is_kept_as_it_was_judged():
    recording = recorded(events(whole()))

    assert whole() == recording.body()
    assert 3 == recording.usage.input_tokens


def test_a_stream_is_kept_with_its_terminator_and_usage():
    recording = recorded(events(STREAM, stream=True))

    assert STREAM == recording.body()
    assert 2 == recording.usage.output_tokens


def test_a_hidden_usage_event_is_kept_for_the_replay():
    usage = b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}\n\n'
    raw = chunk('{"content":"x"}') + chunk("{}", '"stop"') + usage + b"data: [DONE]\n\n"
    items = dialect("openai").redecode(OPENAI, True, raw, False)

    assert any(event.hidden for event in items)
    assert usage in recorded(items).body()


def test_every_event_goes_on_untouched_so_verdicts_on_it_stay_valid():
    recording, items = Recording(10_000), events(STREAM, stream=True)

    assert items == through(recording, items)
    assert STREAM == recording.body()


@pytest.mark.parametrize("count", range(4))
def test_a40_an_answer_cut_off_anywhere_is_not_stored(count):
    assert recorded(events(STREAM, stream=True)[:count]).body() is None


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a40_a_truncated_answer_is_not_stored(reason):
    raw = chunk('{"content":"x"}') + chunk("{}", f'"{reason}"') + b"data: [DONE]\n\n"

    assert recorded(events(whole(finish=reason))).body() is None
    assert recorded(events(raw, stream=True)).body() is None


@pytest.mark.parametrize("error", [b'data: {"error":{"message":"overloaded"}}\n\n', b'data: {"error":{"code":5}}\n\n'])
def test_a40_an_error_inside_a_stream_is_not_stored(error):
    assert recorded(events(chunk('{"content":"x"}') + error, stream=True)).body() is None


def test_a40_an_anthropic_error_or_truncation_is_not_stored():
    start = b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":1}}}\n\n'
    error = b'event: error\ndata: {"type":"error","error":{}}\n\n'
    cut = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"max_tokens"}}\n\n'
    stop = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'

    assert recorded(events(start + error, ANTHROPIC, stream=True)).body() is None
    assert recorded(events(start + cut + stop, ANTHROPIC, stream=True)).body() is None
    assert recorded(events(start + stop, ANTHROPIC, stream=True)).body() is None


def test_an_answer_that_talks_about_errors_and_lengths_is_stored():
    raw = whole(content='"{\\"error\\":1,\\"finish_reason\\":\\"length\\"}"')

    assert recorded(events(raw)).body() is not None


def test_an_answer_that_calls_a_tool_is_not_stored():
    call = '{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}'
    raw = chunk(call) + chunk("{}", '"tool_calls"') + b"data: [DONE]\n\n"

    assert recorded(events(raw, stream=True)).body() is None


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DIALECTS)
def test_an_answer_that_calls_a_tool_is_stored_where_policy_says_so(name, stream):
    answer = answering(DIALECTS[name].ask("hi", stream), stream=stream)
    raw = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    items = events(raw, Operation(name, Kind.CHAT), stream=stream)

    assert recorded(items).body() is None
    assert raw == recorded(items, tool_calls=True).body()


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_a_call_that_was_cut_short_is_never_stored(reason):
    call = '{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":"{"}}]}'
    raw = chunk(call) + chunk("{}", f'"{reason}"') + b"data: [DONE]\n\n"

    assert recorded(events(raw, stream=True), tool_calls=True).body() is None


def test_a_name_that_arguments_spell_with_escapes_is_one():
    arguments = orjson.dumps('{"to":"EMAIL_' + r"\u006b" + "qwzkqwzkqwz" + '"}').decode()
    call = '{"tool_calls":[{"index":0,"id":"1","type":"function","function":{"name":"f","arguments":%s}}]}'
    raw = chunk(call % arguments) + chunk("{}", '"tool_calls"') + b"data: [DONE]\n\n"

    assert recorded(events(raw, stream=True), tool_calls=True).names_any()


def test_memory_is_bounded_and_let_go_of():
    recording = recorded(events(STREAM, stream=True), max_bytes=len(STREAM) - 1)

    assert recording.body() is None
    assert [] == recording._pieces


def test_an_answer_of_just_the_bound_is_stored():
    assert recorded(events(STREAM, stream=True), max_bytes=len(STREAM)).body() is not None


def test_events_after_the_end_spoil_the_recording():
    items = events(STREAM, stream=True)

    assert recorded([*items, items[0]]).body() is None


def test_an_answer_that_a_judge_ends_is_not_stored():
    words, recording = Saying(Cut(Denial(code="refused", status=403, message="m"))), Recording(10_000)
    judges = guarded(words, recording)

    with pytest.raises(CutError):
        for event in events(STREAM, stream=True):
            at_once(judges.feed(event))
    assert recording.body() is None


def test_what_is_recorded_is_what_the_judges_before_it_made_of_the_answer():
    recording = Recording(10_000)
    judges = guarded(Saying(Replace("no")), recording)
    passed = [out for event in events(whole()) for out in at_once(judges.feed(event))]

    assert whole(content='"no"') == recording.body() == passed[0].encode()


def opened(*, status=200, source="upstream", key=KEY, operation=OPENAI):
    return CacheRecord(CacheSettings(max_answer_bytes=77)).open(Reads(EventStream.of([]), status, source, key, operation))


def test_an_answer_from_upstream_with_a_key_is_recorded():
    assert 77 == opened()._left


def test_vectors_do_not_say_why_they_finished():
    raw = b'{"data":[{"index":0,"embedding":[0.5]}],"model":"m"}'
    embeddings = Operation("openai", Kind.EMBEDDINGS)
    recording = opened(operation=embeddings)
    recording.passed(*events(raw, embeddings))

    assert raw == recording.body()


@pytest.mark.parametrize("given", [{"status": 500}, {"status": 201}, {"source": "cache"}, {"source": "gateway"}, {"key": None}])
def test_anything_else_is_not(given):
    assert opened(**given) is None


def test_the_contract_mutates_the_stream_and_spares_verdicts():
    contract = CacheRecord(CacheSettings()).contract

    assert ("r.stream", "cache.recording") == contract.writes
    assert ("verdict.out.*",) == contract.preserves
    assert ("cache.key",) == contract.optional
