"""Sets of labelled question pairs, by name. A set whose files are not on this machine is left out, and the report says so.

QQP and SICK are only measured with, never trained on, never copied.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from evaluation import blocks
from evaluation.near_misses import near_misses
from outgate.answers.evaluation import Pair

ROOT = Path(__file__).parents[2]
SHARED = Path(os.environ.get("OUTGATE_DATA", ROOT.parent / "shared/data"))
WRITTEN = ROOT / "tests/data/question_pairs"
_EACH = 200
_FIRST = 4_000


def qqp() -> list[Pair]:
    """Quora question pairs, development half: the first of them."""
    lines = (SHARED / "gptcache-qqp/qqp_dev.jsonl").read_text("utf-8").splitlines()[:_FIRST]
    return [Pair(line["a"], line["b"], same=bool(line["same"])) for line in map(json.loads, lines)]


def contradictions() -> list[Pair]:
    """Sentences of SICK that contradict each other."""
    with (SHARED / "sts-sick/SICK_train.txt").open(encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t")
        return [
            Pair(row["sentence_A"], row["sentence_B"], same=False) for row in rows if row["entailment_judgment"] == "CONTRADICTION"
        ]


def generated() -> list[Pair]:
    """Questions of CLINC150 with one thing exchanged."""
    data = json.loads((SHARED / "clinc150/data.json").read_text("utf-8"))
    return near_misses([text for split in ("train", "val") for text, _ in data[split]], _EACH)


def held_out() -> list[Pair]:
    """Written pairs of writers whose pairs the verifier was not trained on."""
    return blocks.pairs(*sorted(WRITTEN.glob("held*.txt")))


SETS: dict[str, Callable[[], list[Pair]]] = {"qqp": qqp, "sick": contradictions, "generated": generated, "written": held_out}


def available() -> Iterator[tuple[str, list[Pair]]]:
    """The sets of this machine."""
    for name, read in SETS.items():
        try:
            pairs = read()
        except FileNotFoundError:
            pairs = []
        if pairs:
            yield name, pairs
