"""Find secrets with kingfisher's rules and a few of our own. Only the model server imports this: it takes 60 MB.

Scanning never uses the network; kingfisher's `Validator`, which would try what it finds, is never made. A text is normalised first;
findings come back in offsets of the text as it was given. A finding inside an encoded token covers the whole token.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from kingfisher_sdk import Rules, Scanner

from outgate.detectors.finding import Finding
from outgate.detectors.pii.slices import Sliced, sliced
from outgate.detectors.secrets.kinds import rule_of
from outgate.detectors.secrets.rules import own
from outgate.detectors.secrets.screen import PEM
from outgate.detectors.secrets.values import is_token_of_nobody, stands_in

STEP, OVERLAP = 16_384, PEM + 1_024
_URL = "betterleaks.generic-credential-uri"
"""Finds the user part of every URL; ours looks at the password."""


class SecretScanner:
    """Pure: the same text has the same findings. Not thread-safe."""

    def __init__(self, rules: Rules) -> None:
        self._scanner = Scanner(rules, base64=False)

    def split(self, item: str) -> Sliced:
        return sliced(item, STEP, OVERLAP)

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[tuple[Finding, ...]]:  # noqa: ARG002
        return [(*self._packaged(piece), *own(piece)) for piece in pieces]

    def merge(self, job: Sliced, found: Sequence[tuple[Finding, ...]]) -> tuple[Finding, ...]:
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


def _is_published(secret: str) -> bool:
    return (
        secret.count(".") == 2 and secret.startswith("eyJ") and is_token_of_nobody(secret) if "." in secret else stands_in(secret)
    )


def packaged_rules(kept_in: Path) -> Rules:
    """Kingfisher's rules, compiled, or read from this folder."""
    return Rules(cache_dir=kept_in)
