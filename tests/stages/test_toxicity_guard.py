"""Insults are found sentence by sentence, at any cut, and nothing of it leaves."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.inference.prompt import Channel
from outgate.inference.verdict import Action, Extent
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.facts import Origin
from outgate.stages.leak_guard import LeakGuard, LeakGuardSettings
from outgate.stages.output_pii import OutputPii, OutputPiiSettings
from outgate.stages.toxicity_guard import ToxicityGuard, ToxicityGuardSettings
from outgate.stores.memo import Memo
from support.output_guards import cut, passed, request

BEFORE, INSULT, AFTER = "Let me look at your code. ", "You are a stupid worthless idiot, go to hell! ", "The loop ends too early."
SAID = BEFORE + INSULT + AFTER


def judge(**fields):
    return ToxicityGuard(ToxicityGuardSettings(**fields)).open(request("hi"))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 120))
def test_no_cut_of_an_answer_changes_what_is_found(size):
    out = passed(judge(), cut(SAID, size))

    assert ("answer_refused", Action.DENIED) == (out.ending, out.verdict.action)
    assert BEFORE.startswith(out.text)
    assert (Extent("assistant", 1, len(BEFORE + INSULT)),) == out.verdict.scanned


def test_a_sentence_is_replaced_and_the_rest_goes_on():
    out = passed(judge(action="replace", threshold=0.6), cut(SAID, 10))

    assert out.text.startswith(BEFORE + "[removed]")
    assert "idiot" not in out.text


def test_a_sentence_without_an_end_is_not_held_longer_than_the_window():
    said = cut("and so on and on " * 40, 8)
    out = passed(judge(window=50), said)

    gone = 0
    for piece, released in zip(said, out.pieces, strict=False):
        gone += len(piece) - len(released)
        assert gone <= 50


def test_harmless_answers_keep_every_character():
    out = passed(judge(), cut(BEFORE + AFTER, 7))

    assert (BEFORE + AFTER, "") == (out.text, out.ending)


@pytest.mark.parametrize(("channel", "read"), [(Channel.REASONING, True), (Channel.TOOL_ARGUMENTS, False)])
def test_channels_follow_the_settings(channel, read):
    out = passed(judge(), [SAID], part=("x",), channel=channel)

    assert ("answer_refused" if read else "") == out.ending
    assert bool(out.verdict.unjudged) is not read


@pytest.mark.parametrize("acts", list(product(("deny", "replace", "flag"), repeat=3)))
def test_guards_of_the_answer_go_together_whatever_they_do(acts):
    stages = [
        OutputPii(OutputPiiSettings(action=acts[0]), None, Memo(bytes(32))),
        LeakGuard(LeakGuardSettings(action=acts[1])),
        ToxicityGuard(ToxicityGuardSettings(action=acts[2])),
    ]
    known = frozenset({"r.stream", "prompt", "principal"})
    placements = [Placement(stage.name, stage.contract, stage.run, streams=True) for stage in stages]
    plan = compile_plan(placements, given=frozenset(Origin), known=known, closing=False)

    assert {stage.name for stage in stages} == {step.name for step in plan.streams}
