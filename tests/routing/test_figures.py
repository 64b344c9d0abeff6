import pytest

from outgate.routing.figures import summary


def row(route, score, decided=None):
    return {"route": route, "score": score, "decided": route if decided is None else decided}


def test_figures_of_a_small_file():
    labels = ["a", "a", "b", "b", *["none"] * 5]
    inside = [row("a", 0.9), row("b", 0.8), row("b", 0.7), row("b", 0.2, "none")]
    outside = [row("a", score, "none") for score in (0.0, 0.1, 0.1, 0.1)] + [row("a", 0.75)]

    found = summary(labels, inside + outside)

    assert 0.75 == found["in_scope_accuracy"]
    assert 0.9 == found["out_of_scope_auc"]
    assert 0.75 == found["threshold_at_80_out_of_scope_recall"]
    assert 0.25 == found["accuracy_at_80_out_of_scope_recall"]
    assert (0.5, 0.8) == (found["in_scope_decided_right"], found["out_of_scope_refused"])


def test_what_cannot_be_measured_is_nothing():
    found = summary(["a", ""], [row("a", 1.0), row("a", 0.0)])

    assert 1 == found["in_scope"]
    assert found["out_of_scope_auc"] is None
    assert found["out_of_scope_refused"] is None


@pytest.mark.parametrize("count", [1, 3])
def test_equal_scores_are_worth_half(count):
    assert 0.5 == summary(["a"] * count + ["none"], [row("a", 0.5)] * (count + 1))["out_of_scope_auc"]
