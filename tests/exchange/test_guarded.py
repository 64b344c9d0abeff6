"""The pass of an answer through its judges: hold-back, decisions, failures, trace and facts."""

import pytest

from detectors.fakes import FakeEvent, piece, text_of
from outgate.errors import Denial
from outgate.exchange.guarded import Guarded, opened
from outgate.exchange.judging import CutError, EndedError
from outgate.inference.judge import Cut, End, Pass, Replace
from outgate.inference.prompt import Channel
from outgate.inference.stream import Text
from support.judging import Saying, Scripted, at_once, execution_of, guarded, through, upper

NO = Denial(code="refused", status=403, message="m")
A, B = ("a",), ("b",)


def test_an_event_that_no_judge_changes_is_the_same_object():
    events = [piece("one"), FakeEvent(), piece("two")]

    assert events == through(Saying(Pass(0)), events)


def test_the_window_is_held_back_and_leaves_with_the_next_event_of_its_part():
    judge = Saying(Pass(), window=3)
    judges = guarded(judge)
    passed = [at_once(judges.feed(event)) for event in (piece("abcde", A), piece("x", B), piece("fg", A))]

    assert ["ab", "", "cd"] == [text_of(events, part) for events, part in zip(passed, (A, B, A), strict=True)]
    assert {"efg", "x"} == {text.text for event in at_once(judges.finish()) for text in event.texts}
    assert [(A, "abcde", False), (B, "x", False), (A, "cdefg", False)] == judge.shown[:3]


def test_what_a_part_holds_leaves_before_it_closes_and_is_judged_as_its_end():
    judge = Saying(Pass(), window=9)
    judges = guarded(judge)
    at_once(judges.feed(piece("end", A)))
    close = FakeEvent(closes=(A,))
    held, closing = at_once(judges.feed(close))

    assert ("end", close) == (held.texts[0].text, closing)
    assert (A, "end", True) == judge.shown[-1]
    assert () == tuple(at_once(judges.finish()))


def test_a_text_that_closes_its_own_part_is_its_end():
    judge = Saying(Pass(), window=9)
    event = FakeEvent((Text(A, "one ", Channel.ASSISTANT), Text(A, "two", Channel.ASSISTANT)), closes=(A,))

    assert "one two" == text_of(through(judge, [event]), A)
    assert [False, True] == [final for _, _, final in judge.shown]


def test_every_text_of_a_whole_answer_is_an_end():
    judge = Saying(Pass(), window=9)
    event = FakeEvent((Text(A, "one", Channel.ASSISTANT), Text(B, "two", Channel.ASSISTANT)), whole=True, last=True)

    assert [event] == through(judge, [event])
    assert [True, True] == [final for _, _, final in judge.shown]


def test_a_judge_that_overlaps_is_told_what_was_released_before():
    judge = Scripted(lambda text, _: Replace(text.upper()), overlap=4)
    through(judge, [piece("abc"), piece("def"), piece("g")])

    assert [("", "abc", False), ("ABC", "def", False), ("CDEF", "g", False)] == judge.shown[:3]


def test_a_judge_is_shown_only_the_channels_it_asks_for():
    judge = Scripted(lambda text, _: Replace("no" * len(text)), channels=frozenset({Channel.REASONING}))
    passed = through(judge, [piece("a", A), piece("b", B, Channel.REASONING)])

    assert ("a", "no") == (text_of(passed, A), text_of(passed, B))


def test_judges_see_what_those_before_them_let_go_on():
    first, second = Scripted(upper, window=2), Saying(Pass(1), window=1)
    judges = guarded(first, second)
    passed = [*at_once(judges.feed(piece("abcd"))), *at_once(judges.feed(piece("ef"))), *at_once(judges.finish())]

    assert "ABCDEF" == text_of(passed)
    assert ["AB", "BCD", "DEF", "F"] == [text for _, text, _ in second.shown]


def test_the_last_event_goes_behind_everything_that_was_held():
    judges = guarded(Saying(Pass(), window=9))
    at_once(judges.feed(piece("held")))
    held, last = at_once(judges.feed(FakeEvent(last=True)))

    assert ("held", True) == (held.texts[0].text, last.last)


@pytest.mark.parametrize("decision", [Cut(NO), End("words")])
def test_a_judge_ends_the_answer_and_its_finding_is_written(decision):
    execution = execution_of({"one": Saying(Pass(0)), "two": Saying(decision)})
    judges = opened(execution)
    assert isinstance(judges, Guarded)

    with pytest.raises((CutError, EndedError)) as ended:
        at_once(judges.feed(piece("x")))
    judges.close()

    assert "two" == (ended.value.denial.stage if isinstance(ended.value, CutError) else ended.value.stage)
    assert ("found", "found") == (execution.get("verdict.out.one"), execution.get("verdict.out.two"))
    assert [("one", "ok"), ("two", "denied" if isinstance(decision, Cut) else "answered")] == [
        (ran.stage, ran.verdict) for ran in execution.trace
    ]


def test_verdicts_are_written_when_the_answer_has_ended_and_the_time_is_told():
    execution = execution_of({"one": Saying(Pass(0)), "none": None})
    judges = opened(execution)
    at_once(judges.feed(piece("x")))
    assert execution.get("verdict.out.one") is None
    at_once(judges.finish())
    judges.close()

    assert ("found", None) == (execution.get("verdict.out.one"), execution.get("verdict.out.none"))
    assert [("one", "ok", True), ("none", "ok", True)] == [(ran.stage, ran.verdict, ran.ns > 0) for ran in execution.trace]


def test_what_was_found_is_told_when_the_answer_ends_early_but_no_half_recording():
    execution = execution_of({"one": Saying(Pass(0))})
    judges = opened(execution)
    at_once(judges.feed(piece("x")))
    judges.close()  # the client has left
    assert "found" == execution.get("verdict.out.one")

    execution = execution_of({"keeps": Saying(Pass(0))}, writes=("r.stream", "cache.recording"), judges=None)
    judges = opened(execution)
    at_once(judges.feed(piece("x")))
    judges.close()
    assert execution.get("cache.recording") is None


def test_a_verdict_is_asked_for_once():
    judge = Saying(Pass(0))
    asked = []
    judge.verdict = lambda: asked.append("x")
    judges = guarded(judge)
    at_once(judges.finish())
    judges.close()

    assert ["x"] == asked


def test_an_answer_without_an_interested_judge_is_idle():
    assert guarded().idle
    assert guarded(*[]).idle
    assert not guarded(Saying(Pass(0))).idle


@pytest.mark.parametrize("made", ["judge", 3, ()])
def test_what_is_no_judge_is_a_failure_of_the_stage(made):
    execution = execution_of({"clumsy": made})
    denial = opened(execution)

    assert isinstance(denial, Denial)
    assert ("stage_failed", "clumsy") == (denial.code, denial.stage)
    assert ["error"] == [ran.verdict for ran in execution.trace]
