"""Keys of one backend, and the choice between them.

One key is used until the provider limits or refuses it: requests that share a key share the provider's prompt cache. A key that met
its limit rests as long as the provider says, else longer each time; one that was refused is used when nothing else is left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

_LONGEST = 3600.0


@dataclass(slots=True)
class _Key[T]:
    value: T
    refused: bool = False
    until: float = 0.0
    limits: int = 0


class KeyRing[T]:
    """Keys in the order of the policy. `rest` is the first rest in seconds, `monotonic` the clock."""

    def __init__(self, rest: float, monotonic: Callable[[], float]) -> None:
        self._rest, self._monotonic = rest, monotonic
        self._keys: list[_Key[T]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def hold(self, values: Sequence[T]) -> None:
        """These are the keys now. What is known of one that stays is kept, and so is its very object."""
        known = {key.value: key for key in self._keys}
        self._keys = [known.get(value) or _Key(value) for value in dict.fromkeys(values)]

    def current(self) -> T | None:
        """The first key that may be used; where there is none, the one whose rest ends first, refused ones last."""
        if len(self._keys) < 2:
            return self._keys[0].value if self._keys else None
        now = self._monotonic()
        return min(self._keys, key=lambda key: (key.refused, max(0.0, key.until - now))).value

    @property
    def spare(self) -> bool:
        """Whether the current key is neither refused nor resting."""
        now = self._monotonic()
        return any(not key.refused and key.until <= now for key in self._keys)

    def before(self, value: T) -> tuple[tuple[int, bool], ...]:
        """The keys that stand before this one and do not have their turn: which one, from 1, and whether it was refused."""
        now, own = self._monotonic(), self._of(value)
        keys = enumerate(takewhile(lambda key: key is not own, self._keys), 1)
        return tuple((number, key.refused) for number, key in keys if key.refused or key.until > now)

    def limited(self, value: T, seconds: float | None) -> None:
        """The provider takes no more requests under this key for some seconds."""
        key = self._of(value)
        if key is not None:
            key.limits += 1
            key.until = self._monotonic() + min(seconds or self._rest * 2 ** min(key.limits - 1, 10), _LONGEST)

    def refused(self, value: T) -> None:
        key = self._of(value)
        if key is not None:
            key.refused = True

    def worked(self, value: T) -> None:
        """The provider answered under this key."""
        key = self._of(value)
        if key is not None and (key.refused or key.limits):
            key.refused, key.limits = False, 0

    def _of(self, value: T) -> _Key[T] | None:
        return next((key for key in self._keys if key.value is value or key.value == value), None)
