"""Measure the thresholds of the judgement, and write them with their origin.

Questions: the pairs of writers whose pairs the verifier was not trained on. The threshold comes from all of them; its effect is
told from two halves, each judged by the threshold of the other. Answers: the labelled pairs of answers.txt, the weights by logistic
regression, the error by five folds.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation import blocks
from evaluation.decisions import Decision, Seen, seen
from evaluation.sets import WRITTEN
from outgate.answers.calibration import calibration
from outgate.answers.comparison import Features, features
from outgate.model_server.engines import Encoder, PairScorer

TRAPS_SERVED = 0.003
"""A little over half of what the goal allows: the threshold is measured on a sample."""
SAME_CALLED_DIFFERENT = 0.03
"""A comparison that calls the same answers different would count as a wrong hit, and the bound would break by that alone."""
_DECISIVE = 9.0
"""Yes and no, or a refusal and an answer, are different answers, whatever else they share."""


def calibrate(encoder: Encoder, scorer: PairScorer, version: str, target: Path) -> Iterator[str]:
    """Measure, write `target`, and tell."""
    halves = [seen(blocks.pairs(file), encoder, scorer, calibration()) for file in sorted(WRITTEN.glob("held*.txt"))]
    everything = [one for half in halves for one in half]
    crossed = [
        (one, _threshold([other for half in halves if half is not mine for other in half]).serves(one))
        for mine in halves
        for one in mine
    ]
    chosen = _threshold(everything)
    answers = _answers(encoder, scorer)
    values = json.loads(target.read_text())
    values["verifier"] = version
    values["questions"] |= {"score": chosen.surety}
    values["answers"] |= answers["values"]
    values["origin"] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "command": "scripts/evaluate calibrate",
        "rewordings_served": _told(crossed, same=True),
        "traps_served": _told(crossed, same=False),
        "answers": answers["origin"],
    }
    target.write_text(json.dumps(values, indent=2) + "\n")
    yield json.dumps(values, indent=2)


def _threshold(some: Sequence[Seen]) -> Decision:
    """The least surety at which few enough traps are served."""
    floor = calibration().similarity
    traps = [one for one in some if not one.pair.same]
    open_ = Decision(floor, checks=True)
    sureties = sorted((one.surety for one in traps if open_.serves(one)), reverse=True)
    return Decision(floor, surety=round(sureties[int(TRAPS_SERVED * len(traps))] + 1e-4, 4), checks=True)


def _told(crossed: Sequence[tuple[Seen, bool]], *, same: bool) -> str:
    served = [hit for one, hit in crossed if one.pair.same == same]
    return f"{sum(served)} of {len(served)}"


def _answers(encoder: Encoder, scorer: PairScorer) -> dict[str, Any]:
    labelled = list(_labelled(WRITTEN / "answers.txt"))
    seen_of = np.array([features(a, b, encoder, scorer) for _, a, b, _ in labelled])
    apart = np.array([not same for _, _, _, same in labelled])
    folds = np.array([number % 5 for number, _, _, _ in labelled])
    away = np.zeros(len(labelled))
    for fold in range(5):
        weights = _fitted(seen_of[folds != fold], apart[folds != fold])
        away[folds == fold] = _with_ones(seen_of[folds == fold]) @ weights
    sameness = 1 / (1 + np.exp(away))
    same_from = float(np.quantile(sameness[~apart], SAME_CALLED_DIFFERENT))
    weights = _fitted(seen_of, apart)
    return {
        "values": {
            "weights": {name: round(float(weight), 3) for name, weight in zip(Features._fields, weights[:-1], strict=True)},
            "bias": round(float(weights[-1]), 3),
            "same_from": round(same_from, 4),
            "errors": {
                "mistaken": round(float((sameness[~apart] < same_from).mean()), 3),
                "seen": round(float((sameness[apart] < same_from).mean()), 3),
            },
        },
        "origin": {
            "pairs": f"{int((~apart).sum())} that say the same, {int(apart.sum())} that do not",
        },
    }


def _labelled(file: Path) -> Iterator[tuple[int, str, str, bool]]:
    """Pairs of answers with the number of their block: `A` an answer, `+` the same in other words, `- kind |` another."""
    for number, block in enumerate(file.read_text("utf-8").split("\n\n")):
        lines = block.splitlines()
        same = [line[2:].strip() for line in lines if line.startswith(("A ", "+ "))]
        other = [line[2:].partition("|")[2].strip() for line in lines if line.startswith("- ")]
        yield from ((number, a, b, True) for a, b in combinations(same, 2))
        yield from ((number, a, b, False) for a in same for b in other)


def _fitted(
    seen_of: NDArray[Any], apart: NDArray[Any], rounds: int = 6000, rate_: float = 0.2, decay: float = 0.01
) -> NDArray[Any]:
    """Weights of a logistic regression, none below zero."""
    decisive = np.array([name in {"opening", "refusal"} for name in Features._fields])
    scale = np.append(seen_of.std(axis=0) + 1e-6, 1.0)
    scaled = _with_ones(np.where(decisive, 0.0, seen_of)) / scale
    weights = np.zeros(len(scale))
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-scaled @ weights))
        weights -= rate_ * (scaled.T @ (chance - apart) / len(apart) + decay * np.append(weights[:-1], 0.0))
        weights[:-1] = np.maximum(weights[:-1], 0.0)
    weights /= scale
    weights[:-1][decisive] = _DECISIVE
    return weights


def _with_ones(rows: NDArray[Any]) -> NDArray[Any]:
    return np.column_stack([rows, np.ones(len(rows))])
