"""A phrase is denied or replaced in every dialect, streamed and whole, in words, reasoning and tool arguments, at any cut."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.fakes import FakeEvent, piece, text_of
from outgate.dialects.registry import dialect
from outgate.exchange.judging import CutError
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event, EventStream, Text
from outgate.inference.verdict import Action, Extent, Match
from outgate.pipeline.contract import Judges, May
from outgate.stages.output_phrases import OutputPhrases, OutputPhrasesSettings, Reads
from support.judging import at_once, guarded, through
from support.sse import compact, event, named

OPENAI, ANTHROPIC = Operation("openai", Kind.CHAT), Operation("anthropic", Kind.CHAT)
SAID = "We call it Project Nightingale, and nightingales sing."
HIDDEN = "We call it [removed], and nightingales sing."


def judge(**fields):
    fields = {"phrases": ["project nightingale"], "action": "replace"} | fields
    return OutputPhrases(OutputPhrasesSettings(**fields)).open(Reads(EventStream.of([])))


def chat_stream(kind: str, pieces: Sequence[str]) -> bytes:
    def delta(text: str) -> dict:
        calls = {"tool_calls": [{"index": 0, "function": {"arguments": text}}]}
        return {"text": {"content": text}, "reasoning": {"reasoning": text}, "tool": calls}[kind]

    start = {"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}]}
    deltas = [{"role": "assistant"}, *([start] if kind == "tool" else []), *map(delta, pieces)]
    choices = [{"index": 0, "delta": one, "finish_reason": None} for one in deltas]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return b"".join(event({"id": "x", "choices": [choice]}) for choice in [*choices, end]) + b"data: [DONE]\n\n"


def chat_whole(kind: str, text: str) -> bytes:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    said = {"text": {"content": text}, "reasoning": {"reasoning": text}, "tool": {"tool_calls": [call]}}[kind]
    return compact({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", **said}, "finish_reason": "stop"}]})


def message_stream(kind: str, pieces: Sequence[str]) -> bytes:
    block = {"text": {"type": "text", "text": ""}, "reasoning": {"type": "thinking", "thinking": ""}}
    block["tool"] = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    name, key = {
        "text": ("text_delta", "text"),
        "reasoning": ("thinking_delta", "thinking"),
        "tool": ("input_json_delta", "partial_json"),
    }[kind]
    deltas = [named("content_block_delta", {"index": 0, "delta": {"type": name, key: text}}) for text in pieces]
    return b"".join(
        [
            named("message_start", {"message": {"id": "m", "content": [], "usage": {"input_tokens": 1}}}),
            named("content_block_start", {"index": 0, "content_block": block[kind]}),
            *deltas,
            named("content_block_stop", {"index": 0}),
            named("message_delta", {"delta": {"stop_reason": "end_turn"}}),
            named("message_stop", {}),
        ]
    )


def message_whole(kind: str, text: str) -> bytes:
    block = {"text": {"type": "text", "text": text}, "reasoning": {"type": "thinking", "thinking": text}}
    block["tool"] = {"type": "tool_use", "id": "t", "name": "f", "input": json.loads(text) if kind == "tool" else None}
    return compact({"id": "m", "type": "message", "content": [block[kind]], "stop_reason": "end_turn"})


DIALECTS = {"openai": (OPENAI, chat_stream, chat_whole), "anthropic": (ANTHROPIC, message_stream, message_whole)}
CHANNELS = {"text": Channel.ASSISTANT, "reasoning": Channel.REASONING, "tool": Channel.TOOL_ARGUMENTS}
EVERY = pytest.mark.parametrize(("name", "kind"), [(name, kind) for name in DIALECTS for kind in CHANNELS])


def events_of(operation: Operation, raw: bytes, chunks: Sequence[int] = (), *, stream: bool) -> list[Event]:
    decoder = dialect(operation.dialect).answer(operation, stream, True)
    ends = sorted({cut for cut in chunks if cut < len(raw)})
    pieces = [raw[start:end] for start, end in zip([0, *ends], [*ends, len(raw)], strict=True)]
    return [*(out for one in pieces for out in decoder.feed(one)), *decoder.end()]


def said(operation: Operation, events: Sequence[Event], kind: str, *, stream: bool) -> str:
    """What a client reads, from the bytes alone."""
    again = events_of(operation, b"".join(one.encode() for one in events), stream=stream)
    texts = [text for one in again for text in one.texts if text.channel is CHANNELS[kind] and text.text != "f"]
    raw = "".join(text.text for text in texts)
    return json.loads(raw)["q"] if kind == "tool" and stream else raw


@EVERY
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cut_of_a_stream_changes_what_is_replaced(name, kind, data):
    operation, make, _ = DIALECTS[name]
    whole = json.dumps({"q": SAID}) if kind == "tool" else SAID
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=12)))
    raw = make(kind, [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    looks = judge()
    passed = through(looks, events_of(operation, raw, data.draw(st.lists(st.integers(0, len(raw)), max_size=9)), stream=True))

    assert HIDDEN == said(operation, passed, kind, stream=True)
    assert (Action.REPLACED, (Match("phrase_1", "phrase"),)) == (looks.verdict().action, looks.verdict().matches)
    assert len(whole) <= sum(extent.characters for extent in looks.verdict().scanned)


@EVERY
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_cut_of_a_stream_lets_a_denied_phrase_pass(name, kind, data):
    operation, make, _ = DIALECTS[name]
    whole = json.dumps({"q": SAID}) if kind == "tool" else SAID
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=12)))
    raw = make(kind, [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)])
    looks, passed = judge(action="deny"), []
    judges = guarded(looks)

    with pytest.raises(CutError) as cut:
        for one in events_of(operation, raw, stream=True):
            passed += at_once(judges.feed(one))

    assert (403, "answer_refused") == (cut.value.denial.status, cut.value.denial.code)
    assert "rojec" not in "".join(text.text for one in passed for text in one.texts)
    assert (Action.DENIED, (Match("phrase_1", "phrase"),)) == (looks.verdict().action, looks.verdict().matches)
    assert [] == [one.characters for one in looks.verdict().scanned if one.characters > len(whole)]


@EVERY
def test_a_whole_answer_is_judged_like_a_stream(name, kind):
    operation, _, make = DIALECTS[name]
    raw = make(kind, json.dumps({"q": SAID}) if kind == "tool" else SAID)

    assert HIDDEN == said(operation, through(judge(), events_of(operation, raw, stream=False)), kind, stream=False)
    with pytest.raises(CutError):
        through(judge(action="deny"), events_of(operation, raw, stream=False))


@EVERY
def test_an_answer_without_the_phrase_keeps_its_bytes(name, kind):
    operation, make, _ = DIALECTS[name]
    raw = make(kind, ['{"q": "the ', "new ", 'nightingale"}'] if kind == "tool" else ["the ", "new ", "nightingale"])
    looks = judge()
    events = events_of(operation, raw, stream=True)

    assert [one.encode() for one in events] == [one.encode() for one in through(looks, events)]
    assert Action.ALLOWED is looks.verdict().action


@pytest.mark.parametrize(
    "written",
    [r"Pro\u006aect \u004eightingale", r"\u0050roject\u0020nightingale", r"PROJECT\u0020NIGHTINGALE", "project nightingale"],
)
@given(st.data())
def test_attack_a_phrase_spelled_with_escapes_in_tool_arguments(written, data):
    raw = f'{{"q": "{written}", "quote": "\\\\\\"{written}\\""}}'
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)), max_size=20)))
    part = (0, "arguments")
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    passed = through(judge(replacement='"no"\n'), [piece(one, part, Channel.TOOL_ARGUMENTS) for one in pieces])

    assert {"q": '"no"\n', "quote": '\\""no"\n"'} == json.loads(text_of(passed, part))


def block(text: str, index: int, channel: Channel = Channel.ASSISTANT) -> list[Event]:
    return [piece(text, (index,), channel), FakeEvent(closes=((index,),))]


@pytest.mark.parametrize("parts", [("Project Night", "ingale"), ("project", " ", "nightingale"), ("xproject nightingal", "e")])
def test_attack_a_phrase_split_over_content_blocks(parts):
    events = [one for index, text in enumerate(parts) for one in block(text, index)]

    with pytest.raises(CutError):
        through(judge(action="deny"), events)
    passed = through(judge(), events)
    assert "project nightingale" not in "".join(text.text for one in passed for text in one.texts).lower()


def test_texts_that_no_reader_joins_are_not_joined():
    apart = [*block("project ", 0), *block("nightingale", 1, Channel.REASONING)]
    values = [
        FakeEvent(tuple(Text((i,), text, Channel.TOOL_ARGUMENTS) for i, text in enumerate(("project ", "nightingale"))), whole=True)
    ]
    words = [*block("a cat", 0), *block("nap", 1)]

    assert Action.ALLOWED is verdict_on(apart).action
    assert Action.ALLOWED is verdict_on(values).action
    assert 1 == verdict_on(words, phrases=["cat"], whole_words=True).matches[0].count


def verdict_on(events, **fields):
    looks = judge(**fields)
    through(looks, events)
    return looks.verdict()


def test_what_is_not_looked_at_is_told_as_unjudged():
    events = [*block("project nightingale", 0), *block("project nightingale", 1, Channel.REASONING)]
    verdict = verdict_on(events, channels=["reasoning"])

    assert (Extent("reasoning", 1, 19),) == verdict.scanned
    assert (Extent("assistant", 1, 19),) == verdict.unjudged
    assert 1 == verdict.matches[0].count


def test_names_of_arguments_are_judged_with_them():
    event = FakeEvent((Text((0,), "project nightingale", Channel.KEY),), whole=True)

    assert Action.REPLACED is verdict_on([event], channels=["tool_arguments"]).action
    assert Action.ALLOWED is verdict_on([event], channels=["assistant"]).action


def test_what_it_may_do_follows_from_its_settings():
    deny = OutputPhrases(OutputPhrasesSettings(phrases=("x",))).contract
    replace = OutputPhrases(OutputPhrasesSettings(phrases=("x",), action="replace")).contract

    assert (May.DENY, ("verdict.out.output_phrases",), Judges.CLEAN) == (deny.may, deny.writes, deny.judges)
    assert (May.MUTATE, ("r.stream", "verdict.out.output_phrases")) == (replace.may, replace.writes)


@pytest.mark.parametrize("wrong", [{"phrases": []}, {"phrases": [""]}, {"phrases": ["x"], "channels": []}, {"action": "answer"}])
def test_settings_that_would_judge_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="OutputPhrasesSettings"):
        OutputPhrasesSettings.model_validate({"phrases": ["x"], **wrong})


def test_the_plan_is_told_the_window_of_the_judge():
    guard = OutputPhrases(OutputPhrasesSettings(phrases=("nightingale",)))

    assert guard.contract.holds.most == guard.open(None).window
