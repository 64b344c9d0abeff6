"""Figures of a routed file: how often the right name is first, how well scores tell out of scope, and both together."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

NONE = "none"
_RECALL = 0.8


def summary(labels: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, float | int | None]:
    """Figures over the rows that have a label; None where there is nothing to measure it by."""
    known = [(label, row) for label, row in zip(labels, rows, strict=True) if label]
    inside = [(label == row["route"], float(row["score"]), label == row["decided"]) for label, row in known if label != NONE]
    outside = sorted(float(row["score"]) for label, row in known if label == NONE)
    cut = outside[min(len(outside) - 1, int(_RECALL * len(outside)))] if outside else None
    return {
        "in_scope": len(inside),
        "out_of_scope": len(outside),
        "in_scope_accuracy": _share(right for right, _, _ in inside),
        "out_of_scope_auc": area([score for _, score, _ in inside], outside),
        "accuracy_at_80_out_of_scope_recall": _share(right and score >= cut for right, score, _ in inside)
        if cut is not None
        else None,
        "threshold_at_80_out_of_scope_recall": cut,
        "in_scope_decided_right": _share(decided for _, _, decided in inside),
        "out_of_scope_refused": _share(row["decided"] == NONE for label, row in known if label == NONE),
    }


def _share(values: Any) -> float | None:
    listed = list(values)
    return round(sum(listed) / len(listed), 4) if listed else None


def area(inside: Sequence[float], outside: Sequence[float]) -> float | None:
    """The probability that something in scope scores above something out of scope; ties count half. `outside` is sorted."""
    if not inside or not outside:
        return None
    below = sum((bisect_left(outside, score) + bisect_right(outside, score)) / 2 for score in inside)
    return round(below / len(inside) / len(outside), 4)
