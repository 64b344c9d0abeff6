"""Precision of redaction on labelled excerpts: what is called a card, a number or an address, and what of it is one.

`PYTHONPATH=addons:tests .venv/bin/python tests/detectors/pii/precision.py` prints the tables of docs/results/redaction.md; --wrong
lists what is wrong or missed. How the excerpts are drawn and labelled: tests/data/engineering_text.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outgate.detectors.finding import Finding
from outgate.detectors.pii.analyzer import PiiAnalyzer

DATA = Path(__file__).parents[2] / "data/engineering_text"
_KINDS = {
    "CREDIT_CARD": "CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "US_SSN": "SSN",
    "IP_ADDRESS": "IP",
}
_NOBODYS = {"loopback", "unspecified", "private", "linklocal", "documentation", "multicast", "special"}


class Judged(NamedTuple):
    """One finding, or one labelled span that none covers: `right` is None where readers may differ."""

    excerpt: str
    strata: tuple[str, str]
    kind: str
    right: bool | None
    found: bool
    text: str


def _rows(name: str) -> Iterator[Any]:
    with (DATA / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def labelled() -> Iterator[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
    """Excerpts with their spans, each labelled by its first labeller."""
    corpus = {row["id"]: row for row in _rows("corpus.jsonl")}
    seen: set[str] = set()
    for row in _rows("labels.jsonl"):
        if row["id"] not in seen:
            seen.add(row["id"])
            yield corpus[row["id"]], row["spans"]


def judged(detect: Callable[[str], Iterable[Finding]]) -> Iterator[Judged]:
    """Every finding in the labelled excerpts, and every value that was not found."""
    for excerpt, spans in labelled():
        text, strata = excerpt["text"], (excerpt["stratum"], excerpt["draw"])
        found = list(detect(text))
        for one in found:
            near = [span for span in spans if span["start"] < one.end and span["end"] > one.start]
            kind = _KINDS[one.entity]
            right = None if any(_is_open(span) for span in near) else any(_is_redacted(span, kind) for span in near)
            yield Judged(excerpt["id"], strata, kind, right, found=True, text=text[one.start : one.end])
        for span in spans:
            if _is_redacted(span, span["kind"]) and not _is_open(span) and not _covered(span, found):
                yield Judged(excerpt["id"], strata, span["kind"], right=True, found=False, text=text[span["start"] : span["end"]])


def _notes(span: Mapping[str, Any]) -> set[str]:
    return set(span["note"].split(","))


def _is_open(span: Mapping[str, Any]) -> bool:
    return not _notes(span).isdisjoint({"doubtful", "cut"})


def _is_redacted(span: Mapping[str, Any], kind: str) -> bool:
    return span["kind"] == kind and (kind != "IP" or _notes(span).isdisjoint(_NOBODYS))


def _covered(span: Mapping[str, Any], found: Iterable[Finding]) -> bool:
    return any(one.start < span["end"] and one.end > span["start"] for one in found)


def table(rows: Sequence[Judged], column: Callable[[Judged], str]) -> dict[str, tuple[int, int, int]]:
    """Right, wrong and missed findings for each value of a column, and for all."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.right is not None:
            outcome = "missed" if not row.found else "right" if row.right else "wrong"
            for name in (column(row), "all"):
                counts[name, outcome] += 1
    names = sorted({name for name, _ in counts} - {"all"})
    return {name: (counts[name, "right"], counts[name, "wrong"], counts[name, "missed"]) for name in (*names, "all")}


def precision(right: int, wrong: int) -> float:
    return right / (right + wrong) if right + wrong else 1.0


def _print(title: str, counts: Mapping[str, tuple[int, int, int]]) -> None:
    print(f"\n| {title} | right | wrong | precision | missed |\n|---|---|---|---|---|")
    for name, (right, wrong, missed) in counts.items():
        print(f"| {name} | {right} | {wrong} | {precision(right, wrong):.3f} | {missed} |")


def main() -> None:
    rows = list(judged(PiiAnalyzer().detect))
    print(f"{sum(1 for _ in labelled())} labelled excerpts, {sum(row.right is None for row in rows)} findings left open")
    _print("kind", table(rows, lambda row: row.kind))
    _print("stratum", table(rows, lambda row: row.strata[0]))
    _print("draw", table(rows, lambda row: row.strata[1]))
    if "--wrong" in sys.argv:
        print(*(row for row in rows if row.right is False or not row.found), sep="\n")


if __name__ == "__main__":
    main()
