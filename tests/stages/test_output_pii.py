"""Personal data of the model's own is found in an answer, at any cut; what the caller sent is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.inference.verdict import Action, Extent
from outgate.stages.output_pii import OutputPii, OutputPiiSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels
from support.output_guards import Broken, cut, passed, request

SAID = "Write to jane.doe@example.com or call +49 30 901820, card 4111 1111 1111 1111. In 2024 we had 3 cats."
GONE = "Write to [removed] or call [removed], card [removed]. In 2024 we had 3 cats."


def guard(models=None, **fields):
    return OutputPii(OutputPiiSettings(**fields), models or LocalModels(), Memo(bytes(32)))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60))
def test_no_cut_of_an_answer_changes_what_is_found(size):
    out = passed(guard(action="replace").open(request("hi")), cut(SAID, size))

    assert GONE == out.text
    assert ["pii.card", "pii.email", "pii.phone"] == [match.rule for match in out.verdict.matches]
    assert (Extent("assistant", 1, len(SAID)),) == out.verdict.scanned


@pytest.mark.parametrize("asked", ["I am Jane.Doe@example.com, +49 30 901820", "jane.doe@example.com; phone +49-30-901820"])
def test_values_of_the_request_are_no_alarms(asked):
    out = passed(guard(action="replace").open(request(asked)), cut(SAID, 6))

    assert SAID.replace("4111 1111 1111 1111", "[removed]") == out.text


def test_placeholders_are_no_alarms():
    out = passed(guard().open(request("hi")), ["It is EMAIL_qcwh", "vmmkxtgh, and CARD_bcdfghjkmnpq."])

    assert (Action.ALLOWED, "") == (out.verdict.action, out.ending)


def test_words_are_held_for_one_event_at_most():
    said = ["Nothing", " here", " is", " personal", ", not", " at", " all", "."]
    out = passed(guard().open(request("hi")), said)

    assert "".join(said) == out.text
    for number in range(1, len(said)):
        assert "".join(out.pieces[:number]).startswith("".join(said[: number - 1]))


@pytest.mark.parametrize(("hangs", "ending"), [(False, "stage_failed"), (True, "stage_timeout")])
def test_a_model_server_that_does_not_answer_ends_the_answer_before_the_value(hangs, ending):
    out = passed(guard(Broken(hangs=hangs)).open(request("hi")), cut(SAID, 5), limit=0.02)

    assert (ending, Action.FAILED) == (out.ending, out.verdict.action)
    assert "Write to " == out.text
    assert "jane" not in out.text


def test_only_the_entities_that_are_named_are_looked_for():
    out = passed(guard(entities=["US_SSN"]).open(request("hi")), cut(SAID, 5))

    assert (SAID, Action.ALLOWED) == (out.text, out.verdict.action)
