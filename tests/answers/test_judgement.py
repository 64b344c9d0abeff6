import math
from collections.abc import Sequence

import pytest

from answers.encoders import WordEncoder
from outgate.answers.calibration import Calibration, calibration
from outgate.answers.judgement import FAR, LENGTH, Judgement, Verdict
from outgate.model_server.engines import Encoder

MEASURED = Calibration(
    version="m1",
    verifier="fake-1",
    similarity=0.8,
    score=0.9,
    doubts={"added": 1.0},
    answers=calibration().answers,
)


class FakeScorer:
    """Scores every pair alike, or by the first text, and remembers what it was asked."""

    version = "fake-1"

    def __init__(self, score: float, reverse: float | None = None) -> None:
        self._scores = [score, score if reverse is None else reverse]
        self.asked: list[tuple[str, str]] = []

    def score(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked += pairs
        return self._scores


def no_encoder() -> Encoder:
    raise AssertionError("an encoder was loaded to judge a question")


ASKED, STORED = "How do I fry an egg?", "what is the way to fry an egg"


def test_what_the_verifier_affirms_is_served() -> None:
    verdict = Judgement(FakeScorer(0.91), MEASURED, no_encoder).judge(ASKED, STORED, 0.8)

    assert verdict.served
    assert verdict.score == pytest.approx(0.91)


def test_what_the_verifier_doubts_is_not_served() -> None:
    assert not Judgement(FakeScorer(0.89), MEASURED, no_encoder).judge(ASKED, STORED, 0.8).served


def test_the_order_of_the_two_that_scores_lower_counts() -> None:
    verdict = Judgement(FakeScorer(0.99, 0.2), MEASURED, no_encoder).judge(ASKED, STORED, 0.8)

    assert not verdict.served
    assert verdict.score == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("asked", "stored", "similarity", "vetoes"),
    [
        (ASKED, STORED, 0.79, (FAR,)),
        (ASKED, ASKED + " Say also" + " more" * 50, 0.99, (LENGTH,)),
        ("word " * 500, "word " * 500, 1.0, (LENGTH,)),
        ("How do I fry 2 eggs?", "How do I fry 3 eggs?", 0.99, ("number",)),
        ("How do I fry an egg?", "Wie brate ich ein Ei und wie lange?", 0.99, ("not_english",)),
    ],
)
def test_what_is_refused_costs_no_verifier(asked: str, stored: str, similarity: float, vetoes: tuple[str, ...]) -> None:
    scorer = FakeScorer(1.0)

    needed = 0.8 if vetoes == (FAR,) else None

    assert Verdict(served=False, score=None, vetoes=vetoes, needed=needed) == Judgement(scorer, MEASURED, no_encoder).judge(
        asked, stored, similarity
    )
    assert [] == scorer.asked


def test_a_short_text_may_be_in_many_more_words() -> None:
    assert (
        Judgement(FakeScorer(1.0), MEASURED, no_encoder)
        .judge("capital peru", "please, can you tell me what the capital of peru is", 0.9)
        .served
    )


def test_the_version_names_verifier_and_calibration() -> None:
    assert "fake-1 m1" == Judgement(FakeScorer(1.0), MEASURED, no_encoder).version


def test_equal_answers_are_the_same() -> None:
    assert Judgement(FakeScorer(1.0), MEASURED, WordEncoder).same_answer("Paris.", "Paris.")


def test_answers_are_compared_with_the_encoder() -> None:
    judgement = Judgement(FakeScorer(1.0), MEASURED, WordEncoder)

    assert not judgement.same_answer("Yes, you can.", "No, bread is baked from flour.")


def test_a_doubt_lowers_the_score() -> None:
    scored = Judgement(FakeScorer(0.9), MEASURED, no_encoder).judge("How do I fry an egg?", "How do I quickly fry an egg?", 0.8)

    assert not scored.served
    assert scored.score == pytest.approx(9 / math.e / (1 + 9 / math.e))


def test_a_doubt_that_was_not_measured_is_a_refusal() -> None:
    scored = Judgement(FakeScorer(0.99), MEASURED, no_encoder).judge(
        "Why is the sky so blue now?", "Why is now the sky so blue?", 0.9
    )

    assert not scored.served


@pytest.mark.parametrize("verified", [0.0, 1.0])
def test_the_ends_of_the_scale_are_no_error(verified: float) -> None:
    assert (verified == 1.0) == Judgement(FakeScorer(verified), MEASURED, no_encoder).judge(ASKED, STORED, 0.8).served


def test_the_same_words_in_another_frame_need_no_verifier():
    scorer = FakeScorer(0.0)
    verdict = Judgement(scorer, MEASURED, no_encoder).judge("How can I change my password?", "how do I change my password", 0.99)

    assert (Verdict(served=True, score=1.0, vetoes=()), []) == (verdict, scorer.asked)


def test_what_a_check_refuses_is_refused_in_any_frame():
    verdict = Judgement(FakeScorer(1.0), MEASURED, no_encoder).judge("How can I add `x`?", "How do I add x", 0.99)

    assert not verdict.served
