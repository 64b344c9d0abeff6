"""Measure the thresholds of the judgement, and write them with their origin.

Questions: the blocks that `scripts/train-verifier` held back, every pair of a block whose label follows from its lines. Answers:
the labelled pairs of answers.txt, the weights by logistic regression, the error by five folds.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation import blocks
from evaluation.decisions import Decision, rate, seen
from evaluation.sets import WRITTEN
from outgate.answers.calibration import calibration
from outgate.answers.comparison import Features, features
from outgate.answers.evaluation import Pair
from outgate.model_server.engines import Encoder, PairScorer

HOLD_BACK = 12
"""As in scripts/train-verifier: every twelfth block."""
TRAPS_SERVED = 0.0025
"""Half of what the goal allows: the threshold is measured on a sample."""
SAME_CALLED_DIFFERENT = 0.03
"""A comparison that calls the same answers different would count as a wrong hit, and the bound would break by that alone."""
_DECISIVE = 9.0
"""Yes and no, or a refusal and an answer, are different answers, whatever else they share."""


def calibrate(encoder: Encoder, scorer: PairScorer, version: str, target: Path) -> Iterator[str]:
    """Measure, write `target`, and tell."""
    held = blocks.blocks(*sorted(WRITTEN.glob("train*.txt")))[::HOLD_BACK]
    found = seen([pair for block in held for pair in all_pairs(block)], encoder, scorer, calibration())
    traps = [one for one in found if not one.pair.same]
    same = [one for one in found if one.pair.same]
    floor = calibration().similarity
    sureties = sorted((one.surety for one in traps if one.similarity >= floor and not one.vetoes), reverse=True)
    score = round(sureties[int(TRAPS_SERVED * len(traps))] + 1e-4, 4)
    chosen = Decision(floor, surety=score, checks=True)
    answers = _answers(encoder, scorer)
    values = json.loads(target.read_text())
    values["verifier"] = version
    values["questions"] |= {"score": score}
    values["answers"] |= answers["values"]
    values["origin"] = {
        "measured": datetime.now(UTC).date().isoformat(),
        "command": "scripts/evaluate calibrate",
        "questions": f"{len(held)} blocks held back from training: {len(same)} rewordings, {len(traps)} traps",
        "rewordings_served": round(rate(chosen, same) or 0.0, 4),
        "traps_served": round(rate(chosen, traps) or 0.0, 4),
        "answers": answers["origin"],
    }
    target.write_text(json.dumps(values, indent=2) + "\n")
    yield json.dumps(values, indent=2)


def all_pairs(block: blocks.Block) -> Iterator[Pair]:
    """The question and its rewordings are the same as each other, and as different from each trap."""
    alike = (block.question, *block.same)
    for a, b in combinations(alike, 2):
        yield Pair(a, b, same=True, kind="rewording")
    for text in alike:
        for kind, trap in block.traps:
            yield Pair(text, trap, same=False, kind=kind)


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
        },
        "origin": {
            "pairs": f"{int((~apart).sum())} that say the same, {int(apart.sum())} that do not",
            "same_called_different": round(float((sameness[~apart] < same_from).mean()), 3),
            "different_called_different": round(float((sameness[apart] < same_from).mean()), 3),
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
