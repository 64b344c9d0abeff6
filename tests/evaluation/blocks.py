"""Read question pairs as writers write them: a block a question, `+` for the same question in other words, `- kind |` for a trap.

= source | question
+ the same question in other words
- kind | a question whose right answer is another
"""

from collections.abc import Iterator
from pathlib import Path

from outgate.answers.evaluation import Pair


def pairs(*files: Path) -> list[Pair]:
    """Every pair of a question with one of its rewordings or traps."""
    return [pair for file in files for block in file.read_text("utf-8").split("\n\n") for pair in _block(block.strip())]


def _block(block: str) -> Iterator[Pair]:
    question = ""
    for line in block.splitlines():
        mark, text = line[:1], line[1:].strip()
        kind, bar, rest = text.partition("|")
        if mark == "=" and bar:
            question = rest.strip()
        elif mark == "+" and question:
            yield Pair(question, text, same=True, kind="rewording")
        elif mark == "-" and question and bar:
            yield Pair(question, rest.strip(), same=False, kind=_NAMES.get(kind.strip().split("/")[0], "extra"))


_NAMES = {name: name for name in "negation antonym entity number date unit scope order question topic extra".split()} | {
    "modal": "person or tense",
    "tense": "person or tense",
    "person": "person or tense",
}
