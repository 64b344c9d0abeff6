"""Measure the thresholds of the classifier of injections, and write them with their origin: `scripts/evaluate classifier`.

Thresholds come from all held-out texts: half of them are too few to tell one alarm in two hundred (decision 100). Ordinary files
are installed packages and documentation of this machine that were kept back from training.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evaluation.guard_texts import FOLDER, GuardText, read
from evaluation.ordinary_files import ordinary_files
from outgate.guards.injection import MOST, Calibration, Reader, suspicious
from outgate.model_server.engines.onnx import load_reader
from outgate.model_server.engines.packaged import CLASSIFIER
from outgate.model_server.ngrams import FEW, Ngrams, flat

WEIGHT = 0.3
"""The weight of n-grams beside the net, fixed before it was measured (a prototype on other texts found it)."""
CLAUSE = {"user": 0.0, "tool": 0.5, "system": 0.5}
"""What the clause that is most marked counts beside the whole: users' attacks are whole texts, orders in results are clauses."""
ALARMS = {"user": 0.02, "tool": 0.005, "system": 0.005}
"""Share of hard texts that are no attack, and may count as one."""
MISSED, _ROOM = 0.005, 0.1
"""Share of the attacks that both models find and the screen may keep from the net, and room below its score."""
_NO_SCREEN, _TOO_FEW = -99.0, 50


class Scored(NamedTuple):
    """A text with its highest score by n-grams, and its highest sum of both."""

    text: GuardText
    ngrams: float
    both: float


def report(target: Path = CLASSIFIER / "calibration.json") -> Iterator[str]:
    """Measure, write `target`, and tell."""
    ngrams, reader = Ngrams.read(CLASSIFIER / "ngrams.safetensors"), load_reader(CLASSIFIER / "weights.safetensors")
    texts = read(*sorted(FOLDER.glob("held*.txt")))
    loose = Calibration(_NO_SCREEN, WEIGHT, CLAUSE, {})
    unscreened = [_scored(one, ngrams, reader, loose) for one in texts]
    rough = _thresholds(unscreened)
    found_by_both = [
        one.ngrams for one in unscreened if len(one.text.text) > FEW and one.text.attack and one.both > rough[one.text.channel]
    ]
    screen = float(np.quantile(found_by_both, MISSED)) - _ROOM
    held = [_scored(one, ngrams, reader, loose._replace(screen=screen)) for one in texts]
    thresholds = _thresholds(held)
    found = {"screen": round(screen, 3), "weight": WEIGHT, "clause": CLAUSE, "thresholds": thresholds}
    target.write_text(json.dumps(found | {"origin": _origin()}, indent=2) + "\n")
    yield "| channel | attacks | found | harmless | alarms |\n|---|---|---|---|---|"
    yield from (_row(held, channel, thresholds[channel]) for channel in ("user", "tool"))
    yield _files(ngrams, reader, Calibration(screen, WEIGHT, CLAUSE, thresholds))


def _origin() -> dict[str, Any]:
    return {"measured": datetime.now(UTC).date().isoformat(), "command": "scripts/evaluate classifier"}


def _scored(one: GuardText, ngrams: Ngrams, reader: Reader, calibration: Calibration) -> Scored:
    pieces = _pieces(one.text, ngrams, calibration)[:MOST]
    sums = _sums(one.channel, pieces, reader, calibration)
    return Scored(one, pieces[0][0], max(sums)) if pieces else Scored(one, _NO_SCREEN, _NO_SCREEN)


def _pieces(text: str, ngrams: Ngrams, calibration: Calibration) -> list[tuple[float, str]]:
    """What the net is asked about, the most suspicious first."""
    return sorted(suspicious(flat(text), ngrams, calibration.screen_of(text)), reverse=True)


def _sums(channel: str, pieces: Sequence[tuple[float, str]], reader: Reader, calibration: Calibration) -> list[float]:
    logits = calibration.logits(channel, reader.read(channel, [text for _, text in pieces]))
    return [logit + calibration.weight * score for logit, (score, _) in zip(logits, pieces, strict=True)]


def _thresholds(held: Sequence[Scored]) -> dict[str, float]:
    return {channel: _threshold(held, channel, alarms) for channel, alarms in ALARMS.items()}


def _threshold(some: Sequence[Scored], channel: str, alarms: float) -> float:
    """The sum that this share of harmless texts of a channel exceeds; where there are few, of those of tools."""
    harmless = [one.both for one in some if not one.text.attack and one.text.channel == channel]
    if len(harmless) < _TOO_FEW and channel != "tool":
        return _threshold(some, "tool", alarms)
    return round(float(np.quantile(harmless, 1 - alarms, method="higher")) + 0.05, 3)


def _row(some: Sequence[Scored], channel: str, threshold: float) -> str:
    of = [one for one in some if one.text.channel == channel]
    attacks, harmless = ([one.both > threshold for one in of if one.text.attack == label] for label in (True, False))
    shares = f"{np.mean(attacks):.1%}", f"{np.mean(harmless):.1%}"
    return f"| {channel} | {len(attacks)} | {shares[0]} | {len(harmless)} | {shares[1]} |"


def _files(ngrams: Ngrams, reader: Reader, calibration: Calibration, most: int = 400) -> str:
    """What becomes of ordinary files as tool results: characters that pass the screen, files that count as attacks."""
    roots = [Path(path) for path in sys.path if path.endswith("site-packages")] + [Path("/usr/share/doc")]
    paths = ordinary_files(roots, kept_back=True)
    paths = paths[:: max(1, len(paths) // most)]
    characters = passed = alarms = 0
    for path in paths:
        text = path.read_text("utf-8", errors="ignore")[:60_000]
        pieces = _pieces(text, ngrams, calibration)
        characters, passed = characters + len(flat(text)), passed + sum(len(piece) for _, piece in pieces)
        sums = _sums("tool", pieces[:MOST], reader, calibration)
        alarms += any(one > calibration.thresholds["tool"] for one in sums)
    read_by_net = f"{passed / characters:.1%} of {characters} characters pass the screen"
    return f"\n{len(paths)} ordinary files: {read_by_net}, {alarms} files count as attacks"
