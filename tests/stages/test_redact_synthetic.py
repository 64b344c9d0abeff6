"""Values of kinds in mode `synthetic` leave as invented ones, and other kinds as their mode says."""

import pytest

from detectors.fakes import prompt, texts_of
from outgate.detectors.finding import Finding
from outgate.detectors.pii.placeholders import Naming
from outgate.detectors.pii.synthetic import Synthesis, Taken
from outgate.guards.redaction import RedactSettings
from stages.test_redact_settings import Redaction

MODES = {"PERSON": "synthetic", "EMAIL_ADDRESS": "synthetic", "PHONE_NUMBER": "synthetic"}
SAID = ("I am Maria Gonzalez.", "mail maria@firm.de or call (503) 226-4471, card 4111111111111111")


@pytest.fixture(name="redaction")
def _redaction():
    return Redaction(entities=["PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD"], modes=MODES)


def restored(placeholders, text):
    told, at = "", 0
    while (spot := placeholders.substitutes.next(text, at, final=True)) is not None:
        told, at = told + text[at : spot.start] + str(spot.value), spot.end
    return told + text[at:]


def test_a_value_leaves_as_another_and_the_mode_of_others_counts(redaction):
    redacted, placeholders = redaction(prompt(*SAID))

    sent = " ".join(texts_of(redacted))
    assert not [part for part in ("Maria", "Gonzalez", "firm.de", "226-4471") if part in sent]
    assert "@example.com" in sent
    assert " 555-01" in sent
    assert "CARD_" in sent
    assert SAID[0] == restored(placeholders, texts_of(redacted)[0])


def test_a_longer_conversation_has_the_same_substitutes_for_the_same_workload(redaction):
    first, longer = (texts_of(redaction(prompt(*said))[0]) for said in (SAID, (*SAID, "And Maria Gonzalez again, bob@firm.de")))

    assert first == longer[: len(first)]
    assert first != texts_of(redaction(prompt(*SAID), name="another")[0])


def test_a_long_request_is_searched_in_a_thread(redaction):
    redacted, placeholders = redaction(prompt("word " * 40_000, *SAID))
    assert SAID[0] == restored(placeholders, texts_of(redacted)[1])


@pytest.mark.parametrize("text", ["xmaria", "mariax", "1maria", "maria_"])
def test_a_value_that_letters_touch_has_a_placeholder(text):
    naming = Naming(bytes(32), modes=MODES, synthesis=Synthesis(bytes(32), Taken.of([text])))
    at = text.index("maria")
    assert "PERSON_" in naming.redacted(text, [Finding("PERSON", at, at + 5, 1.0)])


@pytest.mark.parametrize("kind", ["EMPLOYEE", "DENY_LIST"])
def test_a_kind_of_ones_own_cannot_be_synthetic(kind):
    with pytest.raises(ValueError, match="cannot be `synthetic`"):
        RedactSettings(patterns={"EMPLOYEE": "E-[0-9]{6}"}, modes={kind: "synthetic"})
