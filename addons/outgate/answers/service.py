"""The model `answers` of the model server: find what may answer a question in other words, and count wrong hits.

A candidate is judged by its row in the file, which must be of the partition that was asked for. Nothing is served without a
judgement; whatever fails here is a miss.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from outgate.answers.bound import Bound, Errors
from outgate.answers.entries import BOUND, Neighbour, is_live, put_bound
from outgate.answers.file import FILE, AnswerFile
from outgate.answers.history import HISTORY, Said, differing, judge
from outgate.answers.judgement import Verdict
from outgate.answers.judgement import load as load_judgement
from outgate.answers.questions import Compare, Compared, Found, Nearest, read
from outgate.answers.shared import Reader
from outgate.answers.writer import Writer
from outgate.model_server.embed import load_encoder
from outgate.model_server.embedders import Embedder
from outgate.model_server.engines import Encoder, EngineError

if TYPE_CHECKING:
    from outgate.answers.index import Index

_LOOKED_AT, _JUDGED = 8, 2
"""Candidates whose rows are read; candidates that the judgement is asked about, nearest first."""
_ROW = """select s.id, e.key, e.created, e.expires, s.partition, s.encoder, s.history, s.text, s.vector, e.request
    from similar s join entries e on e.id = s.id where s.id = ?"""


class Judgement(Protocol):
    """Decides whether a stored answer answers the question; `version` names what decides, with its calibration; `errors`
    are those of `same_answer`, `least` the surety that is served.
    """

    version: str
    errors: Errors
    least: float

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict: ...

    def similarity(self, one: str, other: str) -> float: ...

    def same_answer(self, a: str, b: str) -> bool: ...


class NoJudgement:
    """Serves nothing: there is no verifier, or it is not the one that was measured."""

    version = "none"
    errors, least = Errors(), 1.0

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict:  # noqa: ARG002
        return Verdict(served=False, score=None, vetoes=())

    def similarity(self, one: str, other: str) -> float:  # noqa: ARG002
        return 0.0

    def same_answer(self, a: str, b: str) -> bool:
        return a == b


class Item(NamedTuple):
    """A question, which is one piece."""

    pieces: tuple[str]


class AnswersModel:
    """Look-ups and comparisons, in the one thread of the model server. Index and judgement are loaded for the first question.

    `encoder` gives that of an embedder. Raises EngineError where there is none.
    """

    takes_whole = True

    def __init__(
        self,
        reader: Reader,
        writer: Writer,
        index: Callable[[], "Index"],
        judgement: Callable[[], Judgement],
        encoder: Callable[[Embedder], Encoder] = load_encoder,
    ) -> None:
        self._reader, self._encoder = reader, encoder
        self._index, self._judgement = cache(index), cache(judgement)
        self._bounds = Bounds(reader, writer)

    def prepare(self, options: Sequence[str]) -> None:
        """Load them, beside the thread that works; with options, the encoder of those too."""
        self._index()
        self._judgement()
        if options:
            self._encoder(Embedder.of_options(options))

    def split(self, item: str) -> Item:
        return Item((item,))

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> list[dict[str, Any]]:
        """Questions that come without a vector are embedded together, by the embedder of the options, and get it back."""
        questions = [read(piece) for piece in pieces]
        bare = [at for at, each in enumerate(questions) if isinstance(each, Nearest) and not each.vector]
        vectors = dict(zip(bare, self._embedded([questions[at] for at in bare], options), strict=True)) if bare else {}
        return [self._answer(each, vectors.get(at, b"")) for at, each in enumerate(questions)]

    def merge(self, job: Item, found: Sequence[dict[str, Any]]) -> dict[str, Any]:  # noqa: ARG002
        return found[0]

    def _embedded(self, questions: Sequence[Any], options: Sequence[str]) -> list[bytes]:
        return self._encoder(Embedder.of_options(options)).embed([each.text for each in questions])

    def _answer(self, question: Nearest | Compare, vector: bytes) -> dict[str, Any]:
        if isinstance(question, Compare):
            return asdict(self.compare(question))
        found = self.nearest(replace(question, vector=vector) if vector else question)
        told = {"key": b64encode(found.key).decode() if found.key else None, "vector": b64encode(vector).decode()}
        return asdict(found) | told

    def nearest(self, question: Nearest) -> Found:
        self._follow()
        bound, reworded = (self._bounds.of(question.tenant, self._judgement(), question.delta, each) for each in (False, True))
        best: Found | None = None
        for similarity, row in self._candidates(question)[:_JUDGED]:
            found = _bounded(self._judged(question, similarity, row), bound)
            found = _bounded(found, reworded) if found.reworded else found
            if found.served:
                return found
            best = best or found
        return best or Found(served=False, reason="none", bound=bound.state)

    def compare(self, question: Compare) -> Compared:
        self._follow()
        judgement = self._judgement()
        before = self._bounds.of(question.tenant, judgement, question.delta, question.reworded)
        same = question.same_calls and judgement.same_answer(question.stored, question.fresh)
        now = before.after(question.score, wrong=not same)
        self._bounds.keep(question.tenant, judgement.version, now, question.reworded)
        changed, counted = now.threshold != before.threshold, now.thresholds[0]
        return Compared(
            same=same,
            bound=now.state,
            changed=changed,
            threshold=now.threshold,
            comparisons=counted.compared,
            wrong=counted.wrong,
        )

    def _follow(self) -> None:
        if self._reader.follow():
            self._index().clear()
            self._bounds.read_again()

    def _candidates(self, question: Nearest) -> list[tuple[float, Neighbour]]:
        """Rows that are alive and of this partition, by their own vectors, nearest first; last those of plainly another history."""
        hits = self._index().search(question.partition, question.encoder, question.vector, _LOOKED_AT)
        rows = [Neighbour(*row) for hit in hits for row in self._reader.rows(_ROW, (hit.id,))]
        if len(rows) < len(hits):
            self._index().discard(question.partition, question.encoder, {hit.id for hit in hits} - {row.id for row in rows})
        alive = [row for row in rows if _is_meant(row, question)]
        pairs = [(self._index().cosine(question.vector, row.vector), row) for row in alive]
        return sorted(pairs, key=lambda pair: (differing(question.history, pair[1].history) is None, -pair[0]))

    def _judged(self, question: Nearest, similarity: float, row: Neighbour) -> Found:
        age, reworded = max(0.0, question.now - row.created), row.history != question.history
        found = Found(served=False, reason="far", key=row.key, similarity=similarity, age=age, entry=row.request, reworded=reworded)
        if similarity < question.threshold:
            return replace(found, needed=question.threshold)
        verdict = judge(Said(question.text, question.history), Said(row.text, row.history), similarity, self._judgement())
        score, vetoes, needed = verdict.score, verdict.vetoes, verdict.needed
        return replace(found, served=verdict.served, reason=_reason(verdict), score=score, vetoes=vetoes, needed=needed)


class Bounds:
    """The error bounds of tenants, in memory and in the file; hits after a history that was reworded have one of their own."""

    def __init__(self, reader: Reader, writer: Writer) -> None:
        self._reader, self._writer = reader, writer
        self._held: dict[tuple[str, str, float], Bound] = {}

    def of(self, tenant: str, judgement: Judgement, delta: float, reworded: bool = False) -> Bound:  # noqa: FBT001
        key = (tenant, _judge(judgement.version, reworded), delta)
        if key not in self._held:
            self._held[key] = self._read(key, judgement.errors) or Bound(delta, judgement.errors)
        return self._held[key]

    def keep(self, tenant: str, version: str, bound: Bound, reworded: bool = False) -> None:  # noqa: FBT001
        key = (tenant, _judge(version, reworded), bound.delta)
        self._held[key] = bound
        self._writer.submit(partial(put_bound, key=key, bound=bound))

    def read_again(self) -> None:
        """An operator may have set them back; what a file begun anew does not have is written to it."""
        for key, held in self._held.items():
            found = self._read(key, held.errors)
            if found is None:
                self._writer.submit(partial(put_bound, key=key, bound=held))
            else:
                self._held[key] = found

    def _read(self, key: tuple[str, str, float], errors: Errors) -> Bound | None:
        rows = self._reader.rows(BOUND, key)
        return Bound.restored(key[2], orjson.loads(rows[0][0]), errors) if rows else None


def _judge(version: str, reworded: bool) -> str:  # noqa: FBT001
    return f"{version} {HISTORY}" if reworded else version


def _reason(verdict: Verdict) -> str:
    if verdict.served:
        return ""
    if verdict.vetoes:
        return HISTORY if HISTORY in verdict.vetoes else "vetoed"
    return "unverified" if verdict.score is None else "below"


def _bounded(found: Found, bound: Bound) -> Found:
    """What is found, served only where the tenant's bound allows it."""
    allowed = bound.threshold is not None and found.score is not None and found.score >= bound.threshold
    if not found.served or allowed:
        return replace(found, bound=bound.state)
    return replace(found, served=False, reason="bound", bound=bound.state, needed=bound.threshold)


def _is_meant(row: Neighbour, question: Nearest) -> bool:
    """Whether the row is of the partition and encoder that were asked for, and young enough."""
    same = (row.partition, row.encoder) == (question.partition, question.encoder)
    return same and is_live(row.created, row.expires, question.now, question.max_age)


def load(state: Path) -> AnswersModel:
    """The model `answers` of the model server, over the file in the state folder."""
    file = AnswerFile(state / FILE)
    writer = Writer(file, time.time, time.monotonic)
    reader = Reader(file, writer.suspect)

    def index() -> "Index":
        from outgate.answers.index import Index  # with faiss, which a policy without similar answers never loads

        return Index(reader.rows)

    return AnswersModel(reader, writer, index, _load_judgement)


def _load_judgement() -> Judgement:
    try:
        return load_judgement()
    except EngineError:
        return NoJudgement()
