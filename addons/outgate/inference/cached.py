"""Cache status of an exchange: which tier was asked, what came of it, and how near and how old the answer was."""

from typing import NamedTuple


class CacheStatus(NamedTuple):
    """One look-up. `result` is `hit`, `miss`, `bypass` (the caller wants none), `uncacheable`, `shadow` (it would have been
    served), `sampled` (a hit that was asked of the provider all the same), or `failed`; `reason` says why it was no hit.

    `entry` is the id of the request that stored the answer that was found; `checks` are those that told the questions apart, and
    `needed` is the similarity or score that was missed.
    """

    tier: str
    result: str
    reason: str = ""
    age: float | None = None
    similarity: float | None = None
    score: float | None = None
    entry: str = ""
    checks: tuple[str, ...] = ()
    needed: float | None = None

    def field(self, lifetime: float) -> str:
        """The `Cache-Status` of a hit (RFC 9211); `similarity` and `score` are parameters of our own."""
        ttl = int(lifetime - (self.age or 0.0))
        near = "".join(
            f"; {name}={value:.3f}" for name, value in (("similarity", self.similarity), ("score", self.score)) if value is not None
        )
        return f"outgate; hit; ttl={ttl}; detail={self.tier}{near}"


class Candidate(NamedTuple):
    """A kept answer that was or would have been given, to be compared with a fresh one; `reworded` where its history is not
    the same to the letter.
    """

    key: bytes
    score: float
    reworded: bool = False
