"""A judge of tool calls at work: what is held, bounds, failures, decisions asked once."""

from dataclasses import replace

import pytest

from outgate.dialects.registry import dialect, spec
from outgate.errors import Denial
from outgate.exchange.calling import Unfinished
from outgate.exchange.guarded import Guarded, opened
from outgate.exchange.judging import CutError
from outgate.inference.judge import ON, CallJudge, Cut
from outgate.inference.operation import Kind, Operation
from outgate.pipeline.contract import OnError
from support.judging import Saying, at_once, execution_of, guarded
from support.openai_answers import call_chunk, chat_stream, chunk

CHAT = Operation("openai", Kind.CHAT)
SAID = chunk({"role": "assistant", "content": "Hm."})
STREAM = chat_stream(SAID, call_chunk("", id="c", name="reset"), call_chunk("{"), call_chunk("}"), chunk({}, "tool_calls"))


class Deciding(CallJudge):
    """Decides the same on every call."""

    def __init__(self, decision, most=1000, operation=CHAT):
        self.operation = operation
        self.decision, self.most, self.shown = decision, most, []

    def call(self, call, /):
        self.shown.append(call)
        if isinstance(self.decision, Exception):
            raise self.decision
        return self.decision

    def verdict(self):
        return "found"


def passed(judge, raw=STREAM, **fields):
    """What goes on, event by event, and at the end."""
    judges = guarded(judge, **fields)
    decoder = dialect("openai").answer(CHAT, True, True)
    return [b"".join(out.encode() for out in at_once(judges.feed(event))) for event in decoder.feed(raw)]


def test_text_passes_and_a_call_waits_until_it_is_whole():
    sizes = [len(each) for each in passed(Deciding(None))]

    assert [True, False, False, False, True, True] == [size > 0 for size in sizes]


def test_each_call_is_asked_about_once():
    judge = Deciding("no")
    out = b"".join(passed(judge))

    assert ["reset"] == [call.name for call in judge.shown]
    assert (True, False) == (b'"content":"no"' in out, b"reset" in out)


def test_a_cut_is_a_denial_of_the_stage():
    with pytest.raises(CutError) as raised:
        passed(Deciding(Cut(Denial(code="no", status=403, message="m"))))
    assert ("no", "judge_0") == (raised.value.denial.code, raised.value.denial.stage)


def test_more_than_may_be_held_is_denied():
    long = chat_stream(call_chunk("", id="c", name="reset"), *[call_chunk("x" * 100)] * 20)

    with pytest.raises(CutError, match="answer_too_long"):
        passed(Deciding(None), long)


@pytest.mark.parametrize("decision", [RuntimeError("broken"), 7])
def test_a_judge_that_fails_denies_or_lets_everything_through(decision):
    with pytest.raises(CutError, match="stage_failed"):
        passed(Deciding(decision))
    out = b"".join(passed(Deciding(decision), on_error=OnError.OPEN))
    assert (b"reset" in out, out.count(b"data: ")) == (True, 5)


def test_no_calls_are_read_where_an_answer_is_no_conversation():
    judges = guarded(Deciding("no", operation=Operation("openai", Kind.EMBEDDINGS)))
    events = dialect("openai").answer(CHAT, True, True).feed(STREAM)

    assert events == [out for event in events for out in at_once(judges.feed(event))]


def test_calls_that_nothing_reads_are_denied_before_the_head(monkeypatch):
    unread = replace(spec("openai"), calls=None)
    monkeypatch.setattr("outgate.exchange.guarded.spec", lambda _: unread)

    refused = opened(execution_of({"judge_0": Deciding("no")}))
    assert isinstance(refused, Denial)
    assert ("stage_failed", "judge_0") == (refused.code, refused.stage)


def held_by(unfinished, raw=STREAM):
    """What goes on, event by event."""
    events = dialect("openai").answer(CHAT, True, True).feed(raw)
    return [b"".join(out.encode() for out in at_once(unfinished.feed(event))) for event in events]


def test_calls_leave_whole_where_a_judge_may_end_the_answer():
    judges = opened(execution_of({"judge_0": Saying(ON, ends=True)}), CHAT)
    assert isinstance(judges, Guarded)
    events = dialect("openai").answer(CHAT, True, True).feed(STREAM)
    sizes = [len(at_once(judges.feed(event))) for event in events]

    assert [1, 0, 0, 0] == sizes[:4]
    assert sum(sizes) >= len(events) - 1


@pytest.mark.parametrize(("ends", "operation"), [(False, CHAT), (True, Operation("openai", Kind.EMBEDDINGS)), (True, None)])
def test_calls_leave_as_they_come_elsewhere(ends, operation):
    judges = opened(execution_of({"judge_0": Saying(ON, ends=ends)}), operation)
    assert isinstance(judges, Guarded)

    assert all(len(at_once(judges.feed(event))) == 1 for event in dialect("openai").answer(CHAT, True, True).feed(STREAM))


def test_a_call_that_is_too_long_to_be_held_goes_on_as_it_comes():
    long = chat_stream(SAID, call_chunk("", id="c", name="reset"), *[call_chunk("~" * 100)] * 20)
    passed = held_by(Unfinished(spec("openai").calls, most=1000), long)

    assert (b"", True) == (passed[1], all(passed[-9:-1]))
    assert 2000 == b"".join(passed).count(b"~")


def test_a_reader_that_fails_holds_nothing_more(monkeypatch):
    unfinished = Unfinished(spec("openai").calls)
    monkeypatch.setattr("outgate.dialects.openai.calls._note", lambda *_, **__: 1 / 0)

    assert all(held_by(unfinished))


def test_a_call_that_breaks_off_is_given_at_the_end():
    unfinished = Unfinished(spec("openai").calls)
    held_by(unfinished, chat_stream(SAID, call_chunk("", id="c", name="reset")).removesuffix(b"data: [DONE]\n\n"))

    assert 1 == len(at_once(unfinished.flush()))
