"""The shape of OpenAI's moderation: categories to rules by flag or threshold, and nothing half read."""

import pytest

from outgate.detectors.external.moderation import Moderation
from outgate.detectors.external.shapes import Asker, Piece

PIECE = Piece("text", "user")


def result(flagged=False, categories=None, scores=None):
    categories, scores = categories or {}, scores or {}
    return {"flagged": flagged, "categories": {"hate": False, **categories}, "category_scores": {"hate": 0.01, **scores}}


def found(each, **thresholds):
    (findings,) = Moderation("m", thresholds).findings({"results": [each]}, [PIECE])
    return [(one.rule, one.score) for one in findings]


def test_a_question_holds_the_texts_and_not_who_asks():
    asked = Moderation("omni", {}).question([PIECE, Piece("two", "tool_result")], Asker("w", "req_1", "gpt"))

    assert {"model": "omni", "input": ["text", "two"]} == asked


@pytest.mark.parametrize(
    ("each", "thresholds", "expected"),
    [
        (result(), {}, []),
        (result(True, {"violence": True}, {"violence": 0.6}), {}, [("moderation.violence", 0.6)]),
        (result(True, {"violence": True}, {"violence": 0.6}), {"violence": 0.7}, []),
        (result(False, {}, {"hate": 0.3}), {"hate": 0.3}, [("moderation.hate", 0.3)]),
        (result(True, {"jaywalking": True}, {"jaywalking": 0.9}), {}, [("moderation.other", 0.9)]),
        (result(True, {"jaywalking": True}, {"jaywalking": 0.9}), {"jaywalking": 0.5}, [("moderation.jaywalking", 0.9)]),
    ],
)
def test_a_category_is_found_by_its_threshold_or_else_by_its_flag(each, thresholds, expected):
    assert expected == found(each, **thresholds)


@pytest.mark.parametrize(
    "each",
    [
        {},
        result() | {"flagged": 1},
        result() | {"flagged": "false"},
        result() | {"categories": None},
        result() | {"category_scores": []},
        result(scores={"hate": 2.0}),
        result(scores={"hate": "0.1"}),
        result(categories={"hate": 0}),
        result(flagged=True),
    ],
)
def test_what_is_not_whole_is_no_answer(each):
    with pytest.raises(ValueError, match=r"type|score|missing"):
        found(each)


def test_a_category_with_a_threshold_must_be_scored():
    with pytest.raises(ValueError, match="missing"):
        found(result(), violence=0.5)


@pytest.mark.parametrize("answer", [{}, {"results": []}, {"results": [result(), result()]}, {"results": {}}, {"results": [1]}])
def test_there_is_one_result_for_each_text(answer):
    with pytest.raises(ValueError, match=r"type|one result"):
        Moderation("m", {}).findings(answer, [PIECE])
