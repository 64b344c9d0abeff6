"""The contract of a stage: what it declares, and from which order, re-runs, retries and refusals are derived.

The view a stage gets is a namedtuple of exactly what it reads, so an undeclared read raises AttributeError; outputs are
returned, so an undeclared write is impossible and a missing one raises ContractViolationError.
"""

from dataclasses import dataclass, field
from enum import Flag, StrEnum, auto
from typing import Any, NamedTuple, get_type_hints

from outgate.pipeline.facts import Origin, fact, fact_of_field


class May(Flag):
    """Outcomes of a stage besides its facts: a property of its configuration, not of its type."""

    NOTHING = 0
    DENY = auto()
    RESPOND = auto()
    MUTATE = auto()


class Release(StrEnum):
    """Recipient of the data that a stage reads."""

    NONE = "none"
    CLIENT = "client"
    UPSTREAM = "upstream"
    THIRD_PARTY = "third_party"


class Effect(StrEnum):
    """Side effect outside the exchange. A charge happens once per exchange, however often its stage runs."""

    NONE = "none"
    IDEMPOTENT = "idempotent"
    CHARGE = "charge"


class OnError(StrEnum):
    """Failure mode: the result of a stage that raises or exceeds its time limit."""

    DENY = "deny"
    OPEN = "open"
    """Its facts stay unset; refused by the compiler where another stage requires one of them."""
    FALLBACK = "fallback"
    """Its facts take the declared fallback values."""


class Judges(StrEnum):
    """The text that a stage with a verdict judges, of every fact it reads. Its place follows from this, never from its cost."""

    RAW = "raw"
    """As it came: before every stage that clears it of personal data."""
    CLEAN = "clean"
    """Cleared, and on the answer with its placeholders: after every stage that clears, before every stage that restores."""
    RELEASED = "released"
    """As it leaves: after every stage that rewrites it."""


class Holds(NamedTuple):
    """What a stage of the answer holds back of a stream: at most so many characters, or, `whole`, all of it up to its end."""

    what: str
    most: int
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The contract of one configured stage.

    `reads` are fact names. A mutator reads and writes the same fact: it reads the version before it and writes the next. `outside`
    names the outside facts it reads. `limit` is seconds, for stages that wait. `optional` reads are None while unset, or where no
    stage of the plan writes them; `verdict.*` reads every verdict of the plan, as the mapping `verdicts`, and is always optional.
    `judges` is declared by every stage that writes a `verdict.*`, and by no other. `clears` says that what it writes is no longer
    personal. `preserves` lists facts that a mutator's rewrite provably cannot invalidate (each has its metamorphic test).
    `after` orders mutators of one fact by stage name, `*` for all others; names that are not in the plan are ignored.
    `releases_raw` says that the policy lets its recipient have text that nothing has cleared.
    `ahead` says that it only saves time: it is left out of a plan in which it does not start beside a guard.
    `cost` (ms) and `passes` (probability that the exchange goes on) only break ties. They are constants, so that every worker
    compiles the same plan.
    `holds` is what a stage of the answer holds back, where it says so; for `outgate plan`, it orders nothing.
    `view` is the namedtuple type the stage's `run` is annotated with; made from `reads` and `outside` when absent.
    """

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    may: May = May.NOTHING
    releases: Release = Release.NONE
    releases_raw: bool = False
    effect: Effect = Effect.NONE
    on_error: OnError = OnError.DENY
    limit: float | None = None
    preserves: tuple[str, ...] = ()
    clears: bool = False
    judges: Judges | None = None
    after: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    fallback: tuple[Any, ...] = ()
    ahead: bool = False
    cost: float = 0.01
    passes: float = 1.0
    holds: Holds | None = None
    view: type[tuple[Any, ...]] | None = field(default=None, compare=False)

    @classmethod
    def of(cls, view: type[tuple[Any, ...]], **fields: Any) -> "Contract":
        """A contract whose reads and outside facts are the fields of a NamedTuple.

        `usage: Usage | None` is an optional read only if it is named in `optional`.
        """
        reads: list[str] = []
        outside: list[str] = []
        for name in get_type_hints(view):
            known = fact_of_field(name)
            (outside if fact(known).origin is Origin.OUTSIDE else reads).append(known)
        return cls(reads=tuple(reads), outside=tuple(outside), view=view, **fields)
