"""Input tokens of a request: the count, or a bound that no count exceeds until somebody needs the count.

A byte-level encoding gives each token at least one byte, so the bytes of a text bound its tokens, and cost nothing to know. Where
that is enough to decide (a budget that is far from its end, an answer whose provider reports its usage) nothing is counted.
"""

from collections.abc import Callable


class InputTokens:
    """`most` is never below the count, and is the count itself once that was made; `exact()` makes it, once. Another model's is
    another, whatever the two counts would be.
    """

    __slots__ = ("_count", "most")

    def __init__(self, most: int, count: Callable[[], int] | None = None) -> None:
        self.most = most
        self._count = count

    def __repr__(self) -> str:
        return f"InputTokens({'' if self.is_counted else '<= '}{self.most})"

    @property
    def is_counted(self) -> bool:
        """Whether the count was made."""
        return self._count is None

    @property
    def counted(self) -> int | None:
        """The count, where it was made."""
        return self.most if self._count is None else None

    @property
    def bound(self) -> int | None:
        """What the count cannot exceed, where it was not made."""
        return None if self._count is None else self.most

    def exact(self) -> int:
        """The count: made now, where it was not made before."""
        if self._count is not None:
            self.most, self._count = self._count(), None
        return self.most

    def room(self, window: int, enough: int) -> int:
        """What this input leaves of a window of so many tokens; counted only where a bound does not show that it is enough."""
        left = window - self.most
        return left if left >= enough else window - self.exact()


NOTHING_COUNTED = InputTokens(0)
"""Of an exchange that did not come so far."""
