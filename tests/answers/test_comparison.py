import pytest

from answers.encoders import WordEncoder
from outgate.answers.calibration import calibration
from outgate.answers.comparison import Features, Weights, features


class NoOpinion:
    """A verifier for which all sentences are half the same."""

    version = "none"

    def score(self, pairs):
        return [1.0 if a == b else 0.5 for a, b in pairs]


PARIS = "The capital of France is Paris. It lies on the Seine."


@pytest.mark.parametrize(
    ("other", "feature"),
    [
        ("The capital of France is Lyon. It lies on the Seine.", "names"),
        ("The capital of France is not Paris. It lies on the Seine.", "denials"),
        ("I'm sorry, but I can't help with the capital of France.", "refusal"),
        ("Bread is baked from flour.", "distance"),
        ("The capital of France is Paris. Bread is baked from flour and water.", "unlike"),
        ("The capital of France is Paris. It borders on the Seine.", "doubts"),
        ("The capital of France was first Paris. It lies on the Seine.", "distance"),
        ("It is `paris()`. It lies on the Seine.", "code"),
    ],
)
def test_what_tells_two_answers_apart_is_seen(other: str, feature: str) -> None:
    same, apart = features(PARIS, PARIS, WordEncoder(), NoOpinion()), features(PARIS, other, WordEncoder(), NoOpinion())

    assert getattr(same, feature) == pytest.approx(0.0, abs=1e-5)
    assert getattr(apart, feature) > 0.1


@pytest.mark.parametrize(
    ("a", "b", "numbers"),
    [("It is 42.", "It is 43.", 1.0), ("It is 42.", "It's forty two.", 0.0), ("It is 42.", "It is 42, not 12", 0.0)],
)
def test_numbers_are_compared_as_values(a: str, b: str, numbers: float) -> None:
    assert numbers == features(a, b, WordEncoder(), NoOpinion()).numbers


@pytest.mark.parametrize(
    ("a", "b", "opening"), [("Yes, it is.", "No, it is not.", 1.0), ("Yes.", "Correct.", 0.0), ("No.", "It depends.", 0.0)]
)
def test_yes_and_no_are_opposite_openings(a: str, b: str, opening: float) -> None:
    assert opening == features(a, b, WordEncoder(), NoOpinion()).opening


@pytest.mark.parametrize("text", ["", " ", "\n\n", "- \n- ", "a" * 10_000, "1. x\n" * 500])
def test_no_answer_breaks_the_comparison(text: str) -> None:
    assert all(-0.01 <= value <= 1.01 for value in features(text, PARIS, WordEncoder(), NoOpinion()))


def test_the_weights_decide() -> None:
    weights = Weights(Features(*[0.0] * 5, 9.0, *[0.0] * 5), -4.0, 0.5)

    assert weights.says_the_same("It is 42.", "it is forty two", WordEncoder(), NoOpinion())
    assert not weights.says_the_same("It is 42.", "It is 43.", WordEncoder(), NoOpinion())


def test_equal_answers_are_the_same_under_any_weights() -> None:
    assert Weights(Features(*[9.0] * 11), 50.0, 1.0).says_the_same(PARIS, PARIS, WordEncoder(), NoOpinion())


def test_the_shipped_weights_tell_plain_cases_apart() -> None:
    weights = calibration().answers

    assert weights.says_the_same(PARIS, "The capital of France is Paris, which lies on the Seine.", WordEncoder(), NoOpinion())
    assert not weights.says_the_same("Yes, you can.", "No, you can not.", WordEncoder(), NoOpinion())
    assert not weights.says_the_same(
        "It takes 20 minutes.", "Bread is baked from flour and 45 other things.", WordEncoder(), NoOpinion()
    )
