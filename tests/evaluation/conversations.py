"""Read conversations as writers write them: its turns, then rewordings and traps, each saying which turns it has otherwise.

u what a user says
a what the assistant says
+ 1 the first turn in other words || 3 and the third
- kind | 1 another first turn
"""

from collections.abc import Iterator
from pathlib import Path

from evaluation.report import percent
from evaluation.sets import WRITTEN
from outgate.answers import judgement
from outgate.answers.evaluation import Pair, Turns, rows
from outgate.model_server.engines.onnx import load_encoder

FILE = WRITTEN / "conversations.txt"
_WHO = {"u": "user", "a": "assistant"}


def report() -> Iterator[str]:
    """What `history: meaning` serves, by kind; "judged" are those that no difference in what the assistant said keeps apart."""
    labelled = pairs(FILE)
    judged = list(zip(labelled, rows(labelled, load_encoder(), judgement.load()), strict=True))
    yield "| kind | pairs | judged | served |"
    yield "|---|---|---|---|"
    for same in (True, False):
        of = [both for both in judged if both[0].same == same]
        named = {"same" if same else "different": of}
        named |= {f"… {kind}": [both for both in of if both[0].kind == kind] for kind in sorted({pair.kind for pair, _ in of})}
        for name, some in named.items():
            reached = sum(row.vetoes != ("partition",) for _, row in some)
            served = sum(row.hit for _, row in some)
            yield f"| {name} | {len(some)} | {reached} | {served} ({percent(served / len(some))}) |"


def pairs(file: Path) -> list[Pair]:
    """Every pair of a conversation with one of its rewordings or traps."""
    return [pair for block in file.read_text("utf-8").split("\n\n") for pair in _of(block.strip().splitlines())]


def _of(lines: list[str]) -> Iterator[Pair]:
    turns = tuple((_WHO[line[0]], line[2:].strip()) for line in lines if line[0] in _WHO)
    for line in lines:
        if line.startswith("+"):
            changes = line[1:]
            last = _changes_last(turns, changes)
            yield _pair(turns, changes, "last turn too" if last else "earlier turns alone", same=True)
        elif line.startswith("-"):
            kind, _, changes = line[1:].partition("|")
            yield _pair(turns, changes, kind.strip(), same=False)


def _pair(turns: Turns, changes: str, kind: str, *, same: bool) -> Pair:
    other = dict(enumerate(turns))
    for number, text in map(_change, changes.split("||")):
        other[number] = (turns[number][0], text)
    said = tuple(other[at] for at in range(len(turns)))
    return Pair(turns[-1][1], said[-1][1], same, kind, (turns[:-1], said[:-1]))


def _change(text: str) -> tuple[int, str]:
    number, _, said = text.strip().partition(" ")
    return int(number) - 1, said.strip()


def _changes_last(turns: Turns, changes: str) -> bool:
    return any(number == len(turns) - 1 for number, _ in map(_change, changes.split("||")))
