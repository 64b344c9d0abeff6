"""One simulated inference server: continuous batching, prompts read in chunks, and a cache of blocks of prompts.

Modelled on servers with paged attention: a step takes a fixed time, the time to read its share of a prompt, and a little for each
stream. A block stays until its room is needed, ends of prompts first. Seconds and tokens are model values of one accelerator.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import ceil, inf
from typing import NamedTuple

BLOCK = 64
"""Tokens of a block."""


class Model(NamedTuple):
    """How fast an engine is, and how much it holds. `rate` is tokens read in a second, `chunk` those of one step at most,
    `capacity` tokens of its cache; `step` and `stream` are seconds of a step, and of each stream in it.
    """

    rate: float = 20_480.0
    chunk: int = 8_192
    capacity: int = 307_328
    step: float = 0.018
    stream: float = 0.000_15
    most: int = 256

    def slower(self, factor: float) -> "Model":
        """The same engine on slower hardware."""
        return self._replace(rate=self.rate * factor, step=self.step / factor, stream=self.stream / factor)


@dataclass(slots=True, eq=False)
class Request:
    """A prompt as the blocks that it is made of, and how many tokens are answered, as the blocks that they make.

    `at` is when it comes; `follows` the request that comes so many seconds after this one was answered. `hit` is how many blocks
    the engine had, `first` when its answer began.
    """

    blocks: tuple[bytes, ...]
    tokens: int
    output: int
    answer: tuple[bytes, ...] = ()
    at: float = 0.0
    follows: "tuple[Request, float] | None" = None
    hit: int = 0
    unread: int = 0
    first: float = inf
    place: int = field(default=-1)


class Ended(NamedTuple):
    """What a step brought: answers that began, and answers that are complete."""

    began: Sequence[Request]
    done: Sequence[Request]


class Engine:
    """One replica. `due` is when its present step ends: then `advance` is called. `inf` while it is idle."""

    def __init__(self, model: Model) -> None:
        self.model, self.due = model, inf
        self._room = model.capacity // BLOCK
        self._waiting: deque[Request] = deque()
        self._reading: deque[Request] = deque()
        self._answering: list[tuple[int, int, Request]] = []
        self._pinned: Counter[bytes] = Counter()
        self._free: OrderedDict[bytes, None] = OrderedDict()
        self._read: set[bytes] = set()
        self._finishing: list[Request] = []
        self._steps = self._count = self._leap = 0
        self._start = self._length = 0.0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def used(self) -> float:
        """The share of the cache that requests hold now."""
        return min(1.0, len(self._pinned) / self._room)

    def has(self, blocks: Sequence[bytes]) -> int:
        """How many blocks from the first on are in the cache."""
        return next((at for at, block in enumerate(blocks) if block not in self._read), len(blocks))

    def arrive(self, request: Request, now: float) -> None:
        self._waiting.append(request)
        if self.due == inf:
            self._begin(now)
        elif self._leap > 1:  # only answers go on: it is let in at the end of the step that runs
            self._leap = min(self._leap, max(1, ceil((now - self._start) / self._length)))
            self.due = self._start + self._leap * self._length

    def advance(self) -> Ended:
        """End the present step, and begin the next."""
        now, self._steps = self.due, self._steps + self._leap
        began, self._finishing = self._finishing, []
        for request in began:
            request.first = now
            self._read.update(request.blocks)
            self._count += 1
            heappush(self._answering, (self._steps + max(1, request.output - 1), self._count, request))
        done = []
        while self._answering and self._answering[0][0] <= self._steps:
            done.append(heappop(self._answering)[2])
            self._leave(done[-1])
        self._begin(now)
        return Ended(began, done)

    def _begin(self, now: float) -> None:
        self._admit()
        streams, left = len(self._answering), self.model.chunk - len(self._answering)
        budget = left
        while self._reading and left > 0:
            first = self._reading[0]
            taken = min(left, first.unread)
            first.unread, left = first.unread - taken, left - taken
            if first.unread > 0:
                break
            self._finishing.append(self._reading.popleft())
        self._start = now
        if left == budget and not streams:
            self.due = inf
            return
        self._length = self.model.step + (budget - left) / self.model.rate + self.model.stream * streams
        quiet = left == budget and not self._waiting
        self._leap = max(1, self._answering[0][0] - self._steps) if quiet else 1
        self.due = now + self._leap * self._length

    def _admit(self) -> None:
        while self._waiting and len(self._reading) + len(self._answering) < self.model.most:
            request = self._waiting[0]
            blocks = {*request.blocks, *request.answer}
            new = sum(block not in self._pinned for block in blocks)
            if len(self._pinned) + new > self._room and self._pinned:
                return
            self._reading.append(self._waiting.popleft())
            request.hit = self.has(request.blocks)
            request.unread = request.tokens - min(request.hit * BLOCK, request.tokens - 1)
            for block in blocks:
                self._pinned[block] += 1
                self._free.pop(block, None)
            self._make_room()

    def _leave(self, request: Request) -> None:
        self._read.update(request.answer)
        for block in reversed((*request.blocks, *request.answer)):
            self._pinned[block] -= 1
            if self._pinned[block] <= 0:
                del self._pinned[block]
                self._free[block] = None
        self._make_room()

    def _make_room(self) -> None:
        while len(self._pinned) + len(self._free) > self._room and self._free:
            self._read.discard(self._free.popitem(last=False)[0])
