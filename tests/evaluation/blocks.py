"""Read question pairs as writers write them: a block a question, `+` for the same question in other words, `- kind |` for a trap.

= source | question
+ the same question in other words
- kind | a question whose right answer is another
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from outgate.answers.evaluation import Pair

_TENSES = dict.fromkeys(("person", "modal", "tense"), "person or tense")


class Block(NamedTuple):
    """A question, its rewordings, and its traps by kind."""

    question: str
    same: tuple[str, ...]
    traps: tuple[tuple[str, str], ...]


def blocks(*files: Path) -> list[Block]:
    """The blocks of the files, in order."""
    return [
        block for file in files for text in file.read_text("utf-8").split("\n\n") for block in _block(text.strip().splitlines())
    ]


def pairs(*files: Path) -> list[Pair]:
    """Every pair of a question with one of its rewordings or traps."""
    return [pair for block in blocks(*files) for pair in of(block)]


def _block(lines: list[str]) -> Iterator[Block]:
    question = next((line[1:].partition("|")[2].strip() for line in lines if line.startswith("=")), "")
    if question:
        same = tuple(line[1:].strip() for line in lines if line.startswith("+"))
        yield Block(question, same, tuple(_trap(line[1:]) for line in lines if line.startswith("-")))


def _trap(line: str) -> tuple[str, str]:
    kind, _, text = line.partition("|")
    kind = kind.strip().split("/")[0]
    return _TENSES.get(kind, kind), text.strip()


def of(block: Block) -> Iterator[Pair]:
    """The question of a block with each of its rewordings and traps."""
    for text in block.same:
        yield Pair(block.question, text, same=True, kind="rewording")
    for kind, text in block.traps:
        yield Pair(block.question, text, same=False, kind=kind)
