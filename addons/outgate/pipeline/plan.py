"""The compiled plan: immutable steps over slots."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from outgate.inference.stream import EventStream
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract


class Answer(NamedTuple):
    """A stage's answer to the exchange (a cached or canned one): it takes the place of the provider's and passes the response
    plan. `outputs` are the facts the answering stage still writes, in its contract's order.
    """

    status: int
    headers: Headers
    stream: EventStream
    source: str
    outputs: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One stage, ready to run: `get` takes its inputs from the slots, `view` names them, `out` are the slots it writes.

    Slots and no namedtuple: the executor's loop reads its fields a third as fast from one.
    """

    name: str
    run: Callable[[Any], Any]
    view: type[tuple[Any, ...]]
    get: Callable[[list[Any]], tuple[Any, ...]]
    out: tuple[int, ...]
    waits: bool
    limit: float | None
    on_error: Callable[[BaseException], Any]


class Edge(NamedTuple):
    """`before` runs ahead of `after`, because of `reason`; `fact` is empty for control edges.

    `code` is the diagnosis of a pinned order that breaks this edge.
    """

    before: str
    after: str
    reason: str
    fact: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A compiled pipeline. Phases run in this order: request (its last step is `dispatch`), response, close, after; `streams` are
    the stages of the response that open judges, in the order in which the answer passes them.

    `first` maps a fact to the slot of its initial version, `final` to that of its last; `size` is the number of slots.
    `live_after_head` are the slots that response, close and after steps still read: all others are dropped after the first
    byte to the client. `reruns` maps a failure event to the steps that may run again, with their reason. `beside` maps a
    request stage that waits to the later ones that may start with it. `contracts` are those of the stages, by name, in plan order;
    `warnings` are errors.Problem.
    """

    request: tuple[Step, ...] = ()
    response: tuple[Step, ...] = ()
    streams: tuple[Step, ...] = ()
    close: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    first: Mapping[str, int] = field(default_factory=dict)
    final: Mapping[str, int] = field(default_factory=dict)
    size: int = 0
    edges: tuple[Edge, ...] = ()
    reruns: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[Any, ...] = ()
    live_after_head: frozenset[int] = frozenset()
    hash: str = ""
    revision: str = ""
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    _named: dict[str, Step] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_named", {step.name: step for step in self.request})

    @property
    def order(self) -> tuple[str, ...]:
        return tuple(step.name for phase in (self.request, self.response, self.streams, self.close, self.after) for step in phase)

    def step(self, name: str) -> Step | None:
        """The request step of this name."""
        return self._named.get(name)
