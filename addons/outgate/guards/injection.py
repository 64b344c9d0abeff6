"""Classify texts in the model server: does this one try to take the model over that reads it?

An item is a text, the options name its channel, and the result is `[score, windows]`: 0 to 1, where .5 is the shipped threshold of
the channel, and how many pieces the net has read. Linear n-grams look at everything, the net at what is short and where they
are not sure that there is nothing; both count.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import exp, inf
from pathlib import Path
from typing import NamedTuple, Protocol

from outgate.detectors.injection.spellings import spellings
from outgate.detectors.injection.words import Words
from outgate.detectors.normalise import normalise
from outgate.detectors.payloads import payloads
from outgate.model_server.engines.packaged import CLASSIFIER, words
from outgate.model_server.ngrams import FEW, Ngrams, Window, flat
from outgate.model_server.scheduler import Bounds

MOST = 16
"""Pieces of a text that the net reads at most: those with the highest score."""
_READ, _AROUND = 900, 150
"""Characters that the net reads at a time, and of those before and after what is suspicious."""
_FURTHEST = 60.0
"""Beyond it a sum is as sure as can be, and e to the power of it still a number."""


class Reader(Protocol):
    """A net that reads a text in a channel."""

    def read(self, channel: str, texts: Sequence[str]) -> Sequence[tuple[float, float]]:
        """Two logits for each text: of the whole, and of its clause that looks most like an order."""
        ...


class Calibration(NamedTuple):
    """How the two models are put together."""

    screen: float
    """The score of n-grams up to which the net is not asked about a text that is not short."""
    weight: float
    """What the score of n-grams counts beside the logit of the net."""
    clause: Mapping[str, float]
    """What the logit of a clause counts in that of the net, 0 to 1, by channel; the rest is that of the whole."""
    thresholds: Mapping[str, float]
    """The sum from which a text counts as an attack, by channel."""

    def screen_of(self, text: str) -> float:
        """The screen for a text, and for all readings of it: a few words cost the net little."""
        return -inf if len(text) <= FEW else self.screen

    def logits(self, channel: str, found: Iterable[tuple[float, float]]) -> list[float]:
        """The logit of the net for each text, from what the reader gave."""
        share = self.clause[channel]
        return [(1 - share) * whole + share * clause for whole, clause in found]


class Suspicious(NamedTuple):
    """A text with the windows that the net is to read, and their scores by n-grams."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]


class Scores(Protocol):
    """What scores the windows of a flattened text."""

    def windows(self, text: str) -> Iterable[Window]: ...


def suspicious(text: str, ngrams: Scores, screen: float) -> Iterator[tuple[float, str]]:
    """Pieces of a flattened text that n-grams are not sure about, each with its highest score; a short text is one piece."""
    windows = [window for window in ngrams.windows(text) if window.score > screen]
    if windows and len(text) <= _READ:
        yield max(window.score for window in windows), text
        return
    while windows:
        start = max(0, windows[0].start - _AROUND)
        last = start + _READ - _AROUND
        near = [window for window in windows if window.end <= last]
        yield max(window.score for window in near), text[start : near[-1].end + _AROUND]
        windows = windows[len(near) :]


class InjectionModel:
    """The model `injection`."""

    bounds = Bounds(pieces=2, characters=1_024)

    def __init__(self, ngrams: Scores, reader: Reader, calibration: Calibration, words: Words) -> None:
        self._ngrams, self._reader, self._calibration, self._words = ngrams, reader, calibration, words

    def split(self, item: str) -> Suspicious:
        plain = normalise(item).text
        spelled = (plain, *spellings(plain, item))
        divided = (reading for text in spelled for reading in self._words.readings(text))
        texts = (*spelled, *(payload.text for payload in payloads(plain)), *divided)
        screen = self._calibration.screen_of(plain)
        found = [one for text in texts for one in suspicious(flat(text), self._ngrams, screen)]
        worst = sorted(found, reverse=True)[:MOST]
        return Suspicious(tuple(text for _, text in worst), tuple(score for score, _ in worst))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[float]:
        """The logit of each window, less the threshold of the channel. Raises ValueError for another channel."""
        (channel,) = options
        if channel not in self._calibration.thresholds:
            raise ValueError("unknown channel")
        logits = self._calibration.logits(channel, self._reader.read(channel, pieces))
        return [logit - self._calibration.thresholds[channel] for logit in logits]

    def merge(self, job: Suspicious, found: Sequence[float]) -> list[float]:
        weight = self._calibration.weight
        sums = [over + weight * score for over, score in zip(found, job.scores, strict=True)]
        return [1 / (1 + exp(-max(-_FURTHEST, *sums))) if sums else 0.0, len(sums)]


def load(folder: Path = CLASSIFIER) -> InjectionModel:
    """The model `injection` of the model server. Raises EngineError, OSError or ValueError where its files are not there or not
    as they were published.
    """
    from outgate.model_server.engines.onnx import load_reader

    said = json.loads((folder / "calibration.json").read_text())  # noqa: TID251 - a file of ours
    calibration = Calibration(said["screen"], said["weight"], said["clause"], said["thresholds"])
    reader = load_reader(folder / "weights.safetensors")
    return InjectionModel(Ngrams.read(folder / "ngrams.safetensors"), reader, calibration, Words(words()))
