"""Find secrets with kingfisher's rules and a few of our own. Only the model server imports this: it takes 60 MB.

Scanning never uses the network; kingfisher's `Validator`, which would try what it finds, is never made. A text is normalised first;
findings come back in offsets of the text as it was given. A finding inside an encoded token covers the whole token.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kingfisher_sdk import Rules, Scanner

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.normalise import Folded
from outgate.detectors.payloads import Payload, payloads
from outgate.detectors.pii.slices import Slice, Sliced, sliced_reading, slices
from outgate.detectors.secrets.encodings import encoded
from outgate.detectors.secrets.kinds import rule_of
from outgate.detectors.secrets.rules import SPOKEN, own
from outgate.detectors.secrets.screen import PEM
from outgate.detectors.secrets.values import is_token_of_nobody, stands_in
from outgate.detectors.secrets.wrapped import joined, plain, runs, windows

STEP, OVERLAP = 16_384, PEM + 1_024
_MADE = re.compile(r"[\"'`\\]")
_URL = "betterleaks.generic-credential-uri"
"""Finds the user part of every URL; ours looks at the password."""


class Read(NamedTuple):
    """A text in each of its readings, cut into pieces; the first is the text as it is."""

    text: str
    readings: tuple[Sliced, ...]

    @property
    def pieces(self) -> list[str]:
        return [piece for reading in self.readings for piece in reading.pieces]

    def findings(self, found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
        """What the pieces say about the text, disjoint, in its own offsets."""
        results, done = list[Finding](), 0
        for number, reading in enumerate(self.readings):
            some = reading.findings(found[done : (done := done + len(reading.pieces))])
            results += [one for one in some if not number or self._is_put_together(one)]
        return disjoint(results)

    def _is_put_together(self, one: Finding) -> bool:
        """Whether a value may go on over a gap: of any form over one that code makes, else only of the form of a token."""
        return one.score > SPOKEN or _MADE.search(self.text, one.start, one.end) is not None


class SecretScanner:
    """Pure: the same text has the same findings. Not thread-safe."""

    def __init__(self, rules: Rules) -> None:
        self._scanner = Scanner(rules, base64=False)

    def split(self, item: str) -> "Read":
        return Read(item, tuple(_readings(item)))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[tuple[Finding, ...]]:  # noqa: ARG002
        return [(*self._packaged(piece), *own(piece)) for piece in pieces]

    def merge(self, job: "Read", found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
        return job.findings(found)

    def detect(self, text: str) -> tuple[Finding, ...]:
        """Split, run and merge in one step."""
        job = self.split(text)
        return self.merge(job, self.run(job.pieces, ()))

    def _packaged(self, text: str) -> Iterator[Finding]:
        data = text.encode("utf-8", "replace")
        for one in self._scanner.scan(data):
            if not one.visible or one.rule_id == _URL:
                continue
            secret, place = one.secret.encode("utf-8", "replace"), one.location
            start = data.find(secret, place["start_offset"], place["end_offset"])
            start, end = (start, start + len(secret)) if secret and start >= 0 else (place["start_offset"], place["end_offset"])
            if not _is_published(one.secret):
                first = len(data[:start].decode("utf-8", "ignore"))
                yield Finding(rule_of(one.rule_id), first, first + len(data[start:end].decode("utf-8", "ignore")), 0.9)


def _readings(item: str) -> Iterator[Sliced]:
    """The text as it is, and with its tokens put together."""
    text = plain(item)
    yield sliced_reading(text, [*payloads(text.text), *encoded(text.text)], STEP, OVERLAP)
    found = list(runs(text.text))
    yield from (_put_together(reading) for reading in joined(text, found)) if found else ()


def _put_together(reading: Folded) -> Sliced:
    """What stands around the places where something was put together, and what is encoded there."""
    parts, hidden = list[Slice](), list[Payload]()
    for begin, end in windows(reading.rewrites[-1].new_starts, len(reading.text)):
        text = reading.text[begin:end]
        parts += [Slice(one.text, *(begin + place for place in one[1:])) for one in slices(text, STEP, OVERLAP)]
        hidden += [Payload(begin + one.start, begin + one.end, one.text) for one in (*payloads(text), *encoded(text))]
    return Sliced(reading, hidden, [parts, *(list(slices(one.text, STEP, OVERLAP)) for one in hidden)])


def _is_published(secret: str) -> bool:
    return (
        secret.count(".") == 2 and secret.startswith("eyJ") and is_token_of_nobody(secret) if "." in secret else stands_in(secret)
    )


def packaged_rules(kept_in: Path) -> Rules:
    """Kingfisher's rules, compiled, or read from this folder."""
    return Rules(cache_dir=kept_in)
