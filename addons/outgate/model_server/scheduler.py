"""In which order pieces of work are done: one piece of each question in turn, so that a long text never holds up a short one.

Pieces of different questions for the same tenant with the same options go out together, up to a bound. Pure: the process around it
does the work and sends the answers.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

BATCH = 8
"""Pieces in one batch at most: the longest a new question waits is one batch."""


class Job(Protocol):
    """One item of a question, cut into pieces by its tenant."""

    @property
    def pieces(self) -> Sequence[str]: ...


class Tenant(Protocol):
    """A model or a CPU stage that lives in the encoder process. `run` gets pieces of many questions at once."""

    def split(self, item: str) -> Job: ...

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> Sequence[Any]: ...

    def merge(self, job: Any, found: Sequence[Any]) -> Any: ...


@dataclass(slots=True, eq=False)
class Question:
    """A question in hand. `expires` is on the scheduler's clock; `reply` takes its results or an error code, once."""

    tenant: str
    options: tuple[str, ...]
    items: Sequence[str]
    expires: float
    reply: Callable[[Sequence[Any] | None, str], None]
    owner: Hashable = None
    jobs: list[Job] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)


class Batch(NamedTuple):
    """Work for one run: which questions it serves, and how many pieces of each. `unsplit` is a question still to be cut."""

    tenant: str
    options: tuple[str, ...]
    shares: list[tuple[Question, int]]
    pieces: list[str]
    unsplit: Question | None = None


class Scheduler:
    """Questions wait in turn; `next` gives work, `did` and `failed` take what came of it."""

    def __init__(self, tenants: dict[str, Tenant], clock: Callable[[], float]) -> None:
        self._tenants = tenants
        self._clock = clock
        self._turns: deque[Question] = deque()

    def add(self, question: Question) -> None:
        if question.tenant not in self._tenants:
            question.reply(None, "unknown_tenant")
        else:
            self._turns.append(question)

    def forget(self, owner: Hashable) -> None:
        """Drop the questions of an asker that has gone."""
        self._turns = deque(question for question in self._turns if question.owner != owner)

    def next(self) -> Batch | None:
        """The next batch; None when there is nothing to do. Questions whose asker no longer waits are dropped."""
        turns = self._turns
        while turns and turns[0].expires <= self._clock():
            turns.popleft().reply(None, "deadline")
        if not turns:
            return None
        first = turns.popleft()
        if not first.jobs:
            return Batch(first.tenant, first.options, [], [], first)
        batch = Batch(first.tenant, first.options, [(first, 1)], [first.pieces[len(first.done)]])
        for other in list(turns):
            if len(batch.pieces) == BATCH:
                break
            if other.jobs and (other.tenant, other.options) == (first.tenant, first.options):
                turns.remove(other)
                batch.shares.append((other, 1))
                batch.pieces.append(other.pieces[len(other.done)])
        return batch

    def work(self, batch: Batch) -> list[Any]:
        """Do a batch: the only method that may run in another thread, and only one at a time."""
        tenant = self._tenants[batch.tenant]
        if batch.unsplit is not None:
            return [tenant.split(item) for item in batch.unsplit.items]
        return list(tenant.run(batch.pieces, batch.options))

    def did(self, batch: Batch, found: list[Any]) -> None:
        """Take the results of a batch; questions that are complete are answered, the others wait for their next turn."""
        if batch.unsplit is not None:
            batch.unsplit.jobs = found
            batch.unsplit.pieces = [piece for job in found for piece in job.pieces]
            self._settle(batch.unsplit)
            return
        position = 0
        for question, count in batch.shares:
            question.done.extend(found[position : position + count])
            position += count
            self._settle(question)

    def failed(self, batch: Batch) -> None:
        """A batch that raised: every question in it is answered with an error."""
        for question, _ in batch.shares:
            question.reply(None, "failed")
        if batch.unsplit is not None:
            batch.unsplit.reply(None, "failed")

    def _settle(self, question: Question) -> None:
        if len(question.done) < len(question.pieces):
            self._turns.append(question)
            return
        tenant = self._tenants[question.tenant]
        results = []
        position = 0
        for job in question.jobs:
            count = len(job.pieces)
            results.append(tenant.merge(job, question.done[position : position + count]))
            position += count
        question.reply(results, "")
