"""The model `answers` of the model server: find what may answer a question in other words, and count wrong hits.

A candidate is judged by its row in the file, which must be of the partition that was asked for. Nothing is served without a
judgement; whatever fails here is a miss.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from outgate.answers.entries import MOST, Neighbour, is_live
from outgate.answers.file import FILE, AnswerFile
from outgate.answers.questions import Compare, Compared, Found, Nearest, read
from outgate.answers.shared import Reader
from outgate.answers.writer import Writer

if TYPE_CHECKING:
    from outgate.answers.index import Index

DIMENSION = 384
_LOOKED_AT, _JUDGED = 8, 2
"""Candidates whose rows are read; candidates that the judgement is asked about, nearest first."""
_ROW = """select s.id, e.key, e.created, e.expires, s.partition, s.encoder, s.history, s.text, s.vector
    from similar s join entries e on e.id = s.id where s.id = ?"""


class Verdict(NamedTuple):
    """What a judgement says of a candidate. `score` is the verifier's, None where it was not asked."""

    served: bool
    score: float | None
    vetoes: tuple[str, ...]


class Judgement(Protocol):
    """Decides whether a stored answer answers the question; `version` names what decides, with its calibration."""

    version: str

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict: ...

    def same_answer(self, a: str, b: str) -> bool: ...


class NoJudgement:
    """Serves nothing."""

    version = "none"

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict:  # noqa: ARG002
        return Verdict(served=False, score=None, vetoes=())

    def same_answer(self, a: str, b: str) -> bool:
        return a == b


class Item(NamedTuple):
    """A question, which is one piece."""

    pieces: tuple[str]


class AnswersModel:
    """Look-ups and comparisons, in the one thread of the model server. Index and judgement are loaded with the first question."""

    def __init__(self, reader: Reader, index: "Callable[[], Index]", judgement: Callable[[], Judgement]) -> None:
        self._reader = reader
        self._index, self._judgement = cache(index), cache(judgement)

    def split(self, item: str) -> Item:
        return Item((item,))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:  # noqa: ARG002
        return [self._answer(read(piece)) for piece in pieces]

    def merge(self, job: Item, found: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        return found[0]

    def _answer(self, question: Nearest | Compare) -> dict[str, Any]:
        if isinstance(question, Compare):
            return asdict(self.compare(question))
        found = self.nearest(question)
        return asdict(found) | {"key": b64encode(found.key).decode() if found.key else None}

    def nearest(self, question: Nearest) -> Found:
        if self._reader.follow():
            self._index().clear()
        best: Found | None = None
        for similarity, row in self._candidates(question)[:_JUDGED]:
            found = self._judged(question, similarity, row)
            if found.served:
                return found
            best = best or found
        return best or Found(served=False, reason="none")

    def compare(self, question: Compare) -> Compared:
        same = self._judgement().same_answer(question.stored, question.fresh)
        return Compared(same=same, bound="calibrated", changed=False, comparisons=0, wrong=0)

    def _candidates(self, question: Nearest) -> list[tuple[float, Neighbour]]:
        """Rows that are alive and of this partition, by their own vectors, nearest first."""
        hits = self._index().search(question.partition, question.encoder, question.vector, _LOOKED_AT)
        rows = [Neighbour(*row) for hit in hits for row in self._reader.rows(_ROW, (hit.id,))]
        if len(rows) < len(hits):
            self._index().discard(question.partition, question.encoder, {hit.id for hit in hits} - {row.id for row in rows})
        alive = [row for row in rows if _is_meant(row, question)]
        return sorted(((self._index().cosine(question.vector, row.vector), row) for row in alive), key=lambda pair: -pair[0])

    def _judged(self, question: Nearest, similarity: float, row: Neighbour) -> Found:
        found = Found(served=False, reason="far", key=row.key, similarity=similarity, age=max(0.0, question.now - row.created))
        if similarity < question.threshold:
            return found
        verdict = self._judgement().judge(question.text, row.text, similarity)
        reason = "" if verdict.served else "vetoed" if verdict.vetoes else "unverified" if verdict.score is None else "below"
        return Found(
            served=verdict.served,
            reason=reason,
            key=row.key,
            similarity=similarity,
            score=verdict.score,
            vetoes=verdict.vetoes,
            age=found.age,
        )


def _is_meant(row: Neighbour, question: Nearest) -> bool:
    """Whether the row is of the partition, encoder and history that were asked for, and young enough."""
    same = (row.partition, row.encoder, row.history) == (question.partition, question.encoder, question.history)
    return same and is_live(row.created, row.expires, question.now, question.max_age)


def load(state: Path) -> AnswersModel:
    """The model `answers` of the model server, over the file in the state folder."""
    file = AnswerFile(state / FILE)
    writer = Writer(file, time.time, time.monotonic, MOST)
    reader = Reader(file, time.monotonic, writer.suspect)

    def index() -> "Index":
        from outgate.answers.index import Index  # with faiss, which a policy without similar answers never loads

        return Index(reader.rows, DIMENSION)

    return AnswersModel(reader, index, NoJudgement)
