"""Schedule the work of the model server: one piece of each request in turn, so that a long text never holds up a short one.

Pieces of different requests for the same model with the same options go out together, up to a bound. Pure: the process around it
does the work and sends the answers.
"""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

BATCH = 8
"""Pieces in one batch at most: the longest a new request waits is one batch."""


class SplitItem(Protocol):
    """One item of a request, split into pieces by its model."""

    @property
    def pieces(self) -> Sequence[str]: ...


class Model(Protocol):
    """A model, or any work of more than a millisecond of CPU, in the model server. `run` gets pieces of many requests at once."""

    def split(self, item: str) -> SplitItem: ...

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> Sequence[Any]: ...

    def merge(self, job: Any, found: Sequence[Any]) -> Any: ...


@dataclass(slots=True, eq=False)
class Request:
    """A request in hand. `expires` is on the scheduler's clock; `reply` takes its results or an error code, once."""

    model: str
    options: tuple[str, ...]
    items: Sequence[str]
    expires: float
    reply: Callable[[Sequence[Any] | None, str], None]
    owner: Hashable = None
    jobs: list[SplitItem] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    done: list[Any] = field(default_factory=list)


class Batch(NamedTuple):
    """Work for one run: which requests it serves, and how many pieces of each. `unsplit` is a request still to be cut."""

    model: str
    options: tuple[str, ...]
    shares: list[tuple[Request, int]]
    pieces: list[str]
    unsplit: Request | None = None


class Scheduler:
    """Requests wait in turn; `next` gives work, `did` and `failed` take what came of it."""

    def __init__(self, models: dict[str, Model], clock: Callable[[], float]) -> None:
        self._models = models
        self._clock = clock
        self._turns: deque[Request] = deque()

    def add(self, request: Request) -> None:
        if request.model not in self._models:
            request.reply(None, "unknown_model")
        else:
            self._turns.append(request)

    def forget(self, owner: Hashable) -> None:
        """Drop the requests of a client that has gone."""
        self._turns = deque(request for request in self._turns if request.owner != owner)

    def next(self) -> Batch | None:
        """The next batch; None when there is nothing to do. Requests whose client no longer waits are dropped."""
        turns = self._turns
        while turns and turns[0].expires <= self._clock():
            turns.popleft().reply(None, "deadline")
        if not turns:
            return None
        first = turns.popleft()
        if not first.jobs:
            return Batch(first.model, first.options, [], [], first)
        batch = Batch(first.model, first.options, [(first, 1)], [first.pieces[len(first.done)]])
        for other in list(turns):
            if len(batch.pieces) == BATCH:
                break
            if other.jobs and (other.model, other.options) == (first.model, first.options):
                turns.remove(other)
                batch.shares.append((other, 1))
                batch.pieces.append(other.pieces[len(other.done)])
        return batch

    def work(self, batch: Batch) -> list[Any]:
        """Do a batch: the only method that may run in another thread, and only one at a time."""
        model = self._models[batch.model]
        if batch.unsplit is not None:
            return [model.split(item) for item in batch.unsplit.items]
        return list(model.run(batch.pieces, batch.options))

    def did(self, batch: Batch, found: list[Any]) -> None:
        """Take the results of a batch; requests that are complete are answered, the others wait for their next turn."""
        if batch.unsplit is not None:
            batch.unsplit.jobs = found
            batch.unsplit.pieces = [piece for job in found for piece in job.pieces]
            self._advance(batch.unsplit)
            return
        position = 0
        for request, count in batch.shares:
            request.done.extend(found[position : position + count])
            position += count
            self._advance(request)

    def failed(self, batch: Batch) -> None:
        """A batch that raised: every request in it is answered with an error."""
        for request, _ in batch.shares:
            request.reply(None, "failed")
        if batch.unsplit is not None:
            batch.unsplit.reply(None, "failed")

    def _advance(self, request: Request) -> None:
        if len(request.done) < len(request.pieces):
            self._turns.append(request)
            return
        model = self._models[request.model]
        results = []
        position = 0
        for job in request.jobs:
            count = len(job.pieces)
            results.append(model.merge(job, request.done[position : position + count]))
            position += count
        request.reply(results, "")
