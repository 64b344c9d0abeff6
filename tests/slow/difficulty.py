"""Learn addons/outgate/routing/difficulty.json from RouteLLM's answers of a weak and a strong model, and report on unseen subjects.

Ten folds of whole subjects say what the weights are worth; those that are written are learned from all of them. Deterministic.
"""

import csv
import json
import sys
from base64 import b64encode
from pathlib import Path

import numpy as np

from outgate.model_server.engines.onnx import load_encoder
from outgate.routing.difficulty import FILE, features

DATA = Path(__file__).resolve().parents[2].parent / "shared/data/routellm-evals"

FOLDS, STRICT, LOOSE = 10, 4_000.0, 10.0
"""Penalties of the vector's weights (in units of its components) and of the features' (of their standard deviations)."""
SCALE = 20.0
CALLS = (0.1, 0.25, 0.5, 0.75)


def rows(folder):
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="") as lines:
            for row in csv.DictReader(lines):
                names = list(row)
                yield row["prompt"], file.stem, row[names[1]] == "True", row[names[2]] == "True"


def learned(inputs, wrong, penalties):
    """Ridge-penalised logistic regression by Newton's method; the first weight is the bias."""
    inputs = np.concatenate([np.ones((len(inputs), 1)), inputs], 1)
    ridge, weights = np.diag([0.0, *penalties]), np.zeros(inputs.shape[1])
    for _ in range(12):
        probable = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (probable - wrong) + ridge @ weights
        bend = (inputs * (probable * (1 - probable))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(bend, slope)
    return weights


def area(scores, positive):
    order = scores.argsort().argsort() + 1
    count = positive.sum()
    return float((order[positive].sum() - count * (count + 1) / 2) / count / (len(positive) - count))


def curve(scores, weak, strong):
    """Share of right answers when the hardest so many go to the strong model."""
    gained = np.concatenate([[0], (strong.astype(float) - weak)[np.argsort(-scores)].cumsum()]) / len(weak) + weak.mean()
    return [float(gained[int(len(weak) * share)]) for share in np.linspace(0, 1, 21)]


def main():
    folder = Path(sys.argv[1]) if sys.argv[1:] else DATA
    if not folder.is_dir():
        sys.exit(f"{folder}: there is no such folder; give RouteLLM's evaluation files")
    texts, subjects, weak, strong = zip(*rows(folder), strict=True)
    subjects, weak, strong = np.array(subjects), np.array(weak), np.array(strong)
    vectors = np.stack([np.frombuffer(each, "<f4") for each in load_encoder().embed(texts)]).astype(float) * SCALE
    plain = np.array([features(text) for text in texts])
    mean, spread = plain.mean(0), plain.std(0) + 1e-9
    inputs = np.concatenate([vectors, (plain - mean) / spread], 1)
    penalties = [STRICT] * vectors.shape[1] + [LOOSE] * plain.shape[1]
    wrong = (~weak).astype(float)
    known, scores = sorted(set(subjects.tolist())), np.zeros(len(texts))
    order = np.random.default_rng(0).permutation(len(known))
    for fold in range(FOLDS):
        held = np.isin(subjects, [known[index] for index in order[fold::FOLDS]])
        weights = learned(inputs[~held], wrong[~held], penalties)
        scores[held] = weights[0] + inputs[held] @ weights[1:]
    weights = learned(inputs, wrong, penalties)
    flat = weights[1 + vectors.shape[1] :] / spread
    told = {
        "origin": "RouteLLM evaluation data (lm-sys/RouteLLM, commit 0b64fdaf, Apache-2.0): MMLU and GSM8K answers of "
        "Mixtral-8x7B-Instruct and GPT-4-1106; learned by scripts/learn",
        "bias": round(float(weights[0] - flat @ mean), 6),
        "features": [round(float(each), 6) for each in flat],
        "vector": b64encode((weights[1 : 1 + vectors.shape[1]] * SCALE).astype("<f4").tobytes()).decode(),
    }
    FILE.write_text(json.dumps(told, indent=1) + "\n")
    steps = curve(scores, weak, strong)
    gap = steps[-1] - steps[0]
    report = {
        "questions": len(texts),
        "subjects": len(known),
        "weak": steps[0],
        "strong": steps[-1],
        "auc_weak_fails": area(scores, ~weak),
        "auc_only_strong_right": area(scores, strong & ~weak),
        "gap_recovered": {
            f"{share:.0%}": round((float(np.interp(share, np.linspace(0, 1, 21), steps)) - steps[0]) / gap, 4) for share in CALLS
        },
        "curve": steps,
        "probability_quantiles": {
            f"{q:.0%}": round(float(1 / (1 + np.exp(-np.quantile(scores, q)))), 3) for q in (0.1, 0.25, 0.5, 0.75, 0.9)
        },
    }
    text = json.dumps(report, indent=1)
    print(text)
    if sys.argv[2:]:
        Path(sys.argv[2]).write_text(text + "\n")


if __name__ == "__main__":
    main()
