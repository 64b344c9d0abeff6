"""`scripts/evaluate WHAT`: measure the semantic cache, the classifier of injections, their thresholds, routing and topics."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from evaluation import classifier, conversations, pools, report, routing, sets, topics
from evaluation.calibrate import calibrate
from evaluation.decisions import Decision, Seen, decisions, seen
from evaluation.suffixes import search
from outgate.answers.calibration import calibration
from outgate.answers.judgement import Judgement
from outgate.model_server.engines.onnx import load_encoder, load_scorer

_STEPS = 100


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/evaluate", description=__doc__)
    parser.add_argument("what", choices=["cache", "calibrate", "classifier", "conversations", "pools", "routing", "topics"])
    parser.add_argument("--out", type=Path, default=Path(), help="folder for curves, and for served.jsonl (default: this one)")
    parser.add_argument("--steps", type=int, default=_STEPS, help="steps of the search for endings, for each of ten targets")
    chosen = parser.parse_args()
    others = {
        "calibrate": _calibrated,
        "classifier": classifier.report,
        "conversations": conversations.report,
        "pools": pools.report,
        "routing": lambda: routing.report(chosen.out),
        "topics": topics.report,
    }
    for line in others.get(chosen.what, lambda: _cache(chosen.out, chosen.steps))():
        print(line, flush=True)


def _calibrated() -> Iterator[str]:
    scorer = load_scorer()
    return calibrate(load_encoder(), scorer, scorer.version, sets.ROOT / "addons/outgate/answers/calibration.json")


def _cache(out: Path, steps: int) -> Iterator[str]:
    encoder, scorer, measured = load_encoder(), load_scorer(), calibration()
    found = {name: seen(pairs, encoder, scorer, measured) for name, pairs in sets.available()}
    for name in sets.SETS.keys() - found.keys():
        print(f"scripts/evaluate: no set {name!r} here: its files are missing", file=sys.stderr)
    named = decisions(measured)
    yield from report.table(found, named)
    yield ""
    yield from report.checks(found)
    if "qqp" in found:
        (out / "cache.svg").write_text(report.curve(found["qqp"], _families(measured.similarity)))
    _write_served(out / "served.jsonl", found, named["judgement"])
    words = sorted({word for some in found.values() for one in some for word in one.pair.a.lower().split()})
    judgement = Judgement(scorer, measured, load_encoder)
    yield f"\nendings searched for: {search(encoder, judgement, words, steps)}"


def _families(similarity: float) -> dict[str, list[Decision]]:
    steps = [at / 200 for at in range(20, 200)] + [0.996, 0.997, 0.998, 0.999]
    return {
        "cosine": [Decision(step) for step in steps],
        "cosine + checks": [Decision(step, checks=True) for step in steps],
        "verifier": [Decision(similarity, verified=step) for step in steps],
        "judgement": [Decision(similarity, surety=step, checks=True) for step in steps],
    }


def _write_served(file: Path, found: dict[str, list[Seen]], decision: Decision) -> None:
    """Pairs that are served and should not be, the surest first, to be read by hand."""
    wrong = sorted(_wrong(found, decision), key=lambda named: -named[1].surety)
    lines = [
        {
            "set": name,
            "kind": one.pair.kind,
            "surety": round(one.surety, 4),
            "similarity": round(one.similarity, 3),
            "a": one.pair.a,
            "b": one.pair.b,
        }
        for name, one in wrong
    ]
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _wrong(found: dict[str, list[Seen]], decision: Decision) -> Sequence[tuple[str, Seen]]:
    return [(name, one) for name, some in found.items() for one in some if not one.pair.same and decision.serves(one)]


main()
