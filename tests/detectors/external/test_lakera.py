"""The shape of Lakera Guard: one message to a question, detectors that tripped to rules."""

import pytest

from outgate.detectors.external.lakera import Lakera
from outgate.detectors.external.shapes import Asker, Piece

PIECE = Piece("text", "tool_result")


def found(answer):
    (findings,) = Lakera("").findings(answer, [PIECE])
    return [one.rule for one in findings]


def tripped(kind, detected=True):
    return {"detector_type": kind, "detected": detected}


@pytest.mark.parametrize(
    ("channel", "role"), [("user", "user"), ("tool_result", "user"), ("assistant", "assistant"), ("system", "system")]
)
def test_a_question_is_one_message(channel, role):
    asked = Lakera("project-1").question([Piece("text", channel)], Asker("w", "req_1", "gpt"))

    assert {"messages": [{"role": role, "content": "text"}], "breakdown": True, "project_id": "project-1"} == asked
    assert 1 == Lakera.most


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"flagged": False}, []),
        ({"flagged": False, "breakdown": [tripped("prompt_attack", detected=False)]}, []),
        ({"flagged": True}, ["lakera.other"]),
        (
            {"flagged": True, "breakdown": [tripped("prompt_attack"), tripped("pii/email"), tripped("pii/name")]},
            ["lakera.prompt_attack", "lakera.pii"],
        ),
        ({"flagged": True, "breakdown": [tripped("the text itself")]}, ["lakera.other"]),
        ({"flagged": False, "breakdown": [tripped("custom")]}, ["lakera.custom"]),
    ],
)  # fmt: skip
def test_detectors_that_tripped_are_rules(answer, expected):
    assert expected == found(answer)


@pytest.mark.parametrize(
    "answer",
    [{}, {"flagged": "yes"}, {"flagged": None}, {"flagged": False, "breakdown": {}}, {"flagged": False, "breakdown": [1]},
     {"flagged": False, "breakdown": [{"detector_type": "pii"}]}, {"flagged": True, "breakdown": [{"detected": True}]}],
)  # fmt: skip
def test_what_is_not_whole_is_no_answer(answer):
    with pytest.raises(ValueError, match="type"):
        found(answer)
