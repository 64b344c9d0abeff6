"""Schedule the work of the model server: one piece for each share in turn, and within a share one of each request.

A share is whose account a request is worked on (a workload), so that a flood of one never holds up another, and a long text never a
short one. Pieces for the same model with the same options go out together, up to a bound. Pure: the process around it does the work
and sends the answers.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

MAX_WAITING = 512
"""Requests of one share in hand; beyond it they are answered `busy`."""

type Work = tuple[str, tuple[str, ...]]
"""A model and its options: what pieces must have in common to be run together."""


class Bounds(NamedTuple):
    """Pieces, and characters of pieces, in one batch at most: the longest a new request waits is one batch for each share.

    A model whose pieces cost more than a millisecond has an attribute `bounds` of its own.
    """

    pieces: int = 8
    characters: int = 4_096


BOUNDS = Bounds()


class SplitItem(Protocol):
    """One item of a request, split into pieces by its model."""

    @property
    def pieces(self) -> Sequence[str]: ...


class Model(Protocol):
    """A model, or any work of more than a millisecond of CPU, in the model server. `run` gets pieces of many requests at once.

    One that `takes_whole` items splits them in no time, so that it is not done in the thread that works.
    """

    def split(self, item: str) -> SplitItem: ...

    def run(self, pieces: Sequence[str], options: Sequence[str]) -> Sequence[Any]: ...

    def merge(self, job: Any, found: Sequence[Any]) -> Any: ...


@dataclass(slots=True, eq=False)
class Request:
    """A request in hand. `reply` takes its results or an error code, once; `owner` is who asked, `number` what they call it."""

    model: str
    options: tuple[str, ...]
    items: Sequence[str]
    reply: Callable[[Sequence[Any] | None, str], None]
    share: str = ""
    owner: Hashable = None
    number: int = 0
    jobs: list[SplitItem] | None = None
    pieces: list[str] = field(default_factory=list)
    given: int = 0
    done: list[Any] = field(default_factory=list)

    @property
    def work(self) -> Work:
        return self.model, self.options

    def is_of(self, owner: Hashable, number: int | None) -> bool:
        """Whether this asker asked it, under this number where one is given."""
        return self.owner == owner and number in (None, self.number)


class Batch(NamedTuple):
    """Work for one run: pieces, and whose each is. `unsplit` is a request still to be cut."""

    model: str
    options: tuple[str, ...]
    pieces: list[str]
    requests: list[Request]
    unsplit: Request | None = None


class Failed:
    """The result of a piece on which its model raised."""


FAILED = Failed()


class Scheduler:
    """Requests wait in turn; `next` gives work, `did` takes what came of it. Models may be added to `models` at any time."""

    def __init__(self, models: dict[str, Model]) -> None:
        self.models = models
        self._waiting: OrderedDict[str, deque[Request]] = OrderedDict()
        self._splitting: Request | None = None

    @property
    def waiting(self) -> int:
        """Requests that wait for a turn."""
        return sum(map(len, self._waiting.values()))

    def add(self, request: Request) -> None:
        if request.model not in self.models:
            request.reply(None, "unknown_model")
        elif len(self._waiting.get(request.share, ())) >= MAX_WAITING:
            request.reply(None, "busy")
        elif getattr(self.models[request.model], "takes_whole", False):
            self._cut(request, [self.models[request.model].split(item) for item in request.items])
        else:
            self._queue(request)

    def forget(self, owner: Hashable, number: int | None = None) -> None:
        """Drop a request that nobody waits for any more; without its number, all of a client that has gone."""
        if self._splitting is not None and self._splitting.is_of(owner, number):
            self._splitting = None
        for share, waiting in list(self._waiting.items()):
            kept = deque(one for one in waiting if not one.is_of(owner, number))
            if kept:
                self._waiting[share] = kept
            else:
                del self._waiting[share]

    def next(self) -> Batch | None:
        """The next batch; None when there is nothing to do."""
        first = self._take()
        if first is None:
            return None
        if first.jobs is None:
            self._splitting = first
            return Batch(first.model, first.options, [], [], first)
        batch = Batch(first.model, first.options, [], [])
        bounds = getattr(self.models[first.model], "bounds", BOUNDS)
        request: Request | None = first
        while request is not None:
            batch.requests.append(request)
            batch.pieces.append(request.pieces[request.given])
            self._hand_out(request)
            full = len(batch.pieces) == bounds.pieces or sum(map(len, batch.pieces)) >= bounds.characters
            request = None if full else self._take(like=first)
        return batch

    def work(self, batch: Batch) -> list[Any]:
        """Do a batch: the only method that may run in another thread, and only one at a time. Whose text makes a model raise has an
        error, and nobody else.
        """
        model = self.models[batch.model]
        if batch.unsplit is not None:
            return [_tried(model.split, item) for item in batch.unsplit.items]
        found = _tried(model.run, batch.pieces, batch.options)
        if found is not FAILED:
            return list(found)
        return [one if one is FAILED else one[0] for one in (_tried(model.run, [piece], batch.options) for piece in batch.pieces)]

    def did(self, batch: Batch, found: list[Any]) -> None:
        """Take the results of a batch; requests that are complete are answered, the others wait for their next turn."""
        if batch.unsplit is not None:
            self._was_split(batch.unsplit, found)
            return
        for request, result in zip(batch.requests, found, strict=True):
            request.done.append(result)
            if len(request.done) == len(request.pieces):
                self._complete(request)

    def _take(self, like: Request | None = None) -> Request | None:
        """The request whose turn it is, of those that can be run with `like`, out of its queue. Its share goes behind others."""
        for share, waiting in self._waiting.items():
            request = waiting[0]
            if like is None or (request.jobs is not None and request.work == like.work):
                waiting.popleft()
                self._waiting.move_to_end(share)
                if not waiting:
                    del self._waiting[share]
                return request
        return None

    def _queue(self, request: Request) -> None:
        self._waiting.setdefault(request.share, deque()).append(request)

    def _hand_out(self, request: Request) -> None:
        request.given += 1
        if request.given < len(request.pieces):
            self._queue(request)

    def _was_split(self, request: Request, found: list[Any]) -> None:
        if self._splitting is None:
            return
        self._splitting = None
        if FAILED in found:
            request.reply(None, "failed")
            return
        self._cut(request, found)

    def _cut(self, request: Request, jobs: list[SplitItem]) -> None:
        request.jobs = jobs
        request.pieces = [piece for job in jobs for piece in job.pieces]
        if request.pieces:
            self._queue(request)
        else:
            self._complete(request)

    def _complete(self, request: Request) -> None:
        if FAILED in request.done:
            request.reply(None, "failed")
            return
        model = self.models[request.model]
        results, position = [], 0
        for job in request.jobs or ():
            count = len(job.pieces)
            results.append(model.merge(job, request.done[position : position + count]))
            position += count
        request.reply(results, "")


def _tried(work: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except Exception:
        return FAILED
