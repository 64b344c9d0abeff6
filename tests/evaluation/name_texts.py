"""Read texts with names marked in them, as tests/data/names/README.md describes; run it to write them as JSON Lines.

=== KIND STYLE               a header for the texts that follow, which an empty line ends
{{PERSON Maria Gonzalez}}    a name
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "data/names"
_MARKED = re.compile(r"\{\{([A-Z_]+) ([^}]+)\}\}")
_HEADER = re.compile(r"=== (\w+) (\w+)")


class NameText(NamedTuple):
    """A text, and the names in it: (start, end, kind)."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    kind: str
    style: str


def read(file: Path) -> Iterator[NameText]:
    """The texts of a file, in order. Raises ValueError for a text without a header, or a mark of another form."""
    head: tuple[str, ...] | None = None
    for block in file.read_text("utf-8").strip().split("\n\n"):
        first, _, rest = block.partition("\n")
        found = _HEADER.fullmatch(first)
        head, marked = (found.groups(), rest) if found else (head, block)
        if head is None or re.search(r"\{\{[A-Z_]+ ", _MARKED.sub("", marked)):
            raise ValueError(f"{file.name}: {first!r}")
        yield NameText(*_unmarked(marked), *head)


def _unmarked(marked: str) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    text, spans, done = "", [], 0
    for found in _MARKED.finditer(marked):
        text += marked[done : found.start()]
        spans.append((len(text), len(text) + len(found[2]), found[1]))
        text, done = text + found[2], found.end()
    return text + marked[done:], tuple(spans)


def as_json(each: NameText) -> str:
    """A line for `outgate evaluate redaction`."""
    spans = [{"start": start, "end": end, "type": kind} for start, end, kind in each.spans]
    return json.dumps({"text": each.text, "spans": spans}, ensure_ascii=False)


if __name__ == "__main__":
    print("\n".join(as_json(each) for name in sys.argv[1:] for each in read(FOLDER / name)))
