"""Read texts for guards as writers write them: a header line, then the text as it is.

=== LABEL CHANNEL FAMILY LANG        1 is an attack, 0 is not; user, tool or system; a lower-case word; a language
the text, on any number of lines
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[1] / "data/guard_texts"
_HEADER = re.compile(r"=== ([01]) (user|tool|system) (\S+) ([a-z]+)\s*")


class GuardText(NamedTuple):
    """A labelled text. `source` is the file that it stands in."""

    text: str
    attack: bool
    channel: str
    family: str
    language: str
    source: str


def read(*files: Path) -> list[GuardText]:
    """The texts of the files, in order. Raises ValueError for a header of another form."""
    return [text for file in files for text in _texts(file)]


def _texts(file: Path) -> Iterator[GuardText]:
    head: tuple[str, ...] | None = None
    lines: list[str] = []
    for number, line in enumerate([*file.read_text("utf-8").split("\n"), "=== 0 user end en"], 1):
        if not line.startswith("=== "):
            lines.append(line)
            continue
        if head is not None:
            yield GuardText("\n".join(lines).strip(), head[0] == "1", *head[1:], file.stem)
        found = _HEADER.fullmatch(line)
        if found is None:
            raise ValueError(f"{file.name}:{number}: {line!r} is no header")
        head, lines = found.groups(), []
