"""A judge of spans: what it does about them, at any cut, in JSON too, and what it says that it has read."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.fakes import FakeEvent, piece
from outgate.detectors.output.judge import Look, Span, SpanJudge
from outgate.detectors.output.settings import ORDER, OutputSettings, output_contract
from outgate.inference.judge import Part
from outgate.inference.prompt import Channel
from outgate.inference.verdict import Action, Extent, Match
from outgate.pipeline.contract import May, OnError
from outgate.stages.output_pii import Reads
from support.judging import through
from support.output_guards import cut, passed

SAID = "a needle, and a needle."


class Needles(SpanJudge):
    """Finds a needle; what may become one is undecided. Whoever waits finds the same."""

    waits = False

    def __init__(self, **fields: Any) -> None:
        super().__init__(OutputSettings(**fields), reach=10, longest=8)

    def look(self, part, text, begin, final, /):
        found = [Span(at, at + 6, "test.needle") for at in range(len(text)) if text.startswith("needle", at)]
        tails = [length for length in range(1, 6) if text.endswith("needle"[:length])]
        looked = Look(found, len(text) - (max(tails, default=0) if not final else 0))
        return self._waited(looked) if self.waits else looked

    async def _waited(self, looked):
        return looked


class Waiting(Needles):
    """The same, and waits."""

    waits = True


BOTH = pytest.mark.parametrize("kind", [Needles, Waiting])


@BOTH
@given(st.integers(1, 30))
def test_no_cut_changes_what_is_replaced_and_counted(kind, size):
    out = passed(kind(action="replace"), cut(SAID, size))

    assert ("a [removed], and a [removed].", "") == (out.text, out.ending)
    assert (Action.REPLACED, (Match("test.needle", "test", 2),)) == (out.verdict.action, out.verdict.matches)
    assert (Extent("assistant", 1, len(SAID)),) == out.verdict.scanned


@BOTH
@given(st.integers(1, 30))
def test_what_is_denied_or_answered_never_leaves_and_what_stands_behind_it_is_not_scanned(kind, size):
    denied, answered = (passed(kind(action=action, answer="No."), cut(SAID, size)) for action in ("deny", "answer"))

    assert ("answer_refused", "No.") == (denied.ending, answered.ending)
    assert "a ".startswith(denied.text)
    assert (Extent("assistant", 1, 8),) == denied.verdict.scanned == answered.verdict.scanned
    assert (Action.DENIED, Action.ANSWERED) == (denied.verdict.action, answered.verdict.action)


@BOTH
def test_what_is_flagged_goes_on(kind):
    out = passed(kind(action="flag"), cut(SAID, 4))

    assert (SAID, Action.FLAGGED, 2) == (out.text, out.verdict.action, out.verdict.matches[0].count)


def test_what_waits_when_an_answer_breaks_off_has_not_been_read():
    judge = Needles()
    decision = judge.judge(Part(("content",), Channel.ASSISTANT), "a nee", False)

    assert 3 == decision.hold
    assert (Extent("assistant", 1, 2),) == judge.verdict().scanned


@given(st.integers(1, 20))
def test_arguments_of_tools_are_read_without_their_escapes(size):
    raw = '{"q": "n\\u0065edle \\"'
    out = passed(
        Needles(action="replace", replacement='"\n'), [*cut(raw, size), '"}'], part=(0, "arguments"), channel=Channel.TOOL_ARGUMENTS
    )

    assert {"q": '"\n "'} == json.loads(out.text)


def test_attack_what_is_split_over_content_blocks_is_found():
    events = [one for index, text in enumerate(("a nee", "dle")) for one in (piece(text, (index,)), FakeEvent(closes=((index,),)))]
    out = through(judge := Needles(action="replace"), events)

    assert "dle" not in "".join(text.text for one in out for text in one.texts)
    assert 1 == judge.verdict().matches[0].count


class Whole(Needles):
    """Finds a needle that stands alone, as a word."""

    def look(self, part, text, begin, final, /):
        looked = super().look(part, text, begin, final)
        return looked._replace(found=[one for one in looked.found if not text[one.start - 1 : one.start].isalnum()])


class Alone(Whole):
    """The same, and looks without the part before, too."""

    alone = True


@pytest.mark.parametrize(("kind", "left"), [(Whole, "needle now"), (Alone, "[removed] now")])
@pytest.mark.parametrize("size", [1, 4, 20])
def test_attack_what_the_end_of_the_block_before_hides_is_found_where_a_judge_looks_at_it_alone(kind, left, size):
    pieces = [piece(text, (1,)) for text in cut("needle now", size)]
    out = through(kind(action="replace"), [piece("T5", (0,)), FakeEvent(closes=((0,),)), *pieces, FakeEvent(closes=((1,),))])

    assert f"T5{left}" == "".join(text.text for one in out for text in one.texts)


def test_channels_that_are_left_out_are_told_as_unjudged():
    judge = Needles(channels=["reasoning"])
    through(judge, [piece("needle"), piece("no", ("thinking",), Channel.REASONING)])

    assert ((Extent("reasoning", 1, 2),), (Extent("assistant", 1, 6),)) == (judge.verdict().scanned, judge.verdict().unjudged)


def test_the_contract_follows_from_the_settings():
    deny = output_contract("output_pii", Reads, OutputSettings(limit=2, on_error="open"))
    replace = output_contract("output_pii", Reads, OutputSettings(action="replace"))

    assert (May.DENY, 2, OnError.OPEN) == (deny.may, deny.limit, deny.on_error)
    assert (("r.stream", "verdict.out.output_pii"), ORDER[: ORDER.index("output_pii")]) == (replace.writes, replace.after)
