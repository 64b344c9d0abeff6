"""Judge a question with the turns before it: each that differs must pass what the question itself must pass.

The sureties are multiplied: in a conversation of which several turns were said in other words, each must be surer.
"""

from typing import NamedTuple, Protocol

from outgate.answers.earlier import unpacked
from outgate.answers.judgement import Verdict, against

HISTORY = "history"
"""Veto of an earlier turn that says something else."""
_MOST_JUDGED = 4
"""Earlier turns that may differ: the verifier reads so many pairs more."""


class Judges(Protocol):
    """The judgement of a question alone; `least` is the surety that is served."""

    least: float

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict: ...

    def similarity(self, one: str, other: str) -> float: ...


class Said(NamedTuple):
    """A question, and what users said before it, packed."""

    question: str
    history: bytes = b""


def judge(asked: Said, stored: Said, similarity: float, judgement: Judges) -> Verdict:
    """Whether the answer to `stored` is the answer to `asked`; `similarity` is the cosine of the two questions."""
    if asked.history == stored.history:
        return _question(asked, stored, similarity, judgement)
    turns = differing(asked.history, stored.history)
    if turns is None:
        return Verdict(served=False, score=None, vetoes=(HISTORY,))
    verdict = _question(asked, stored, similarity, judgement)
    for mine, other in turns:
        if not verdict.served:
            return verdict
        turn = judgement.judge(mine, other, judgement.similarity(mine, other))
        score = (verdict.score or 0.0) * (turn.score or 0.0)
        served = turn.served and score >= judgement.least
        verdict = Verdict(served, score if turn.score is not None else None, () if served else (HISTORY,))
    return verdict


def differing(ours: bytes, theirs: bytes) -> list[tuple[str, str]] | None:
    """The earlier turns that are not the same to the letter; None where symbols tell two of them apart, or where they are many."""
    try:
        mine, others = unpacked(ours), unpacked(theirs)
    except ValueError:
        return None
    pairs = [(one, other) for one, other in zip(mine, others, strict=False) if one != other]
    fits = len(mine) == len(others) and len(pairs) <= _MOST_JUDGED
    return pairs if fits and not any(against(*pair).vetoes for pair in pairs) else None


def _question(asked: Said, stored: Said, similarity: float, judgement: Judges) -> Verdict:
    if asked.history and asked.question == stored.question:
        return Verdict(served=True, score=1.0, vetoes=())
    return judgement.judge(asked.question, stored.question, similarity)
