"""Bound the `model` label: models that the policy names, or a provider answered for; every other one is `other`.

A name that policy merely lets through is the caller's own text: ten thousand invented ones would make ten thousand series. So a
series carries a model's name where the policy names that model, or where a provider has answered for it; and since servers exist
that answer for any name, only so many are learned, and from one workload no more than its share: it cannot use up the others'.
"""

from collections import Counter
from collections.abc import Iterable

from outgate.metering.metrics import OTHER

_MOST_LEARNED = 64
"""Names learned from answers, per worker and policy."""
_SHARE = 8
"""How many of them one workload may teach."""


class ModelNames:
    """The names of one worker under one policy; `named` are those that the policy names."""

    def __init__(self, named: Iterable[str], *, most: int = _MOST_LEARNED) -> None:
        self._known = set(named)
        self._room = most
        self._taught: Counter[str] = Counter()

    def label(self, model: str, workload: str, *, answered: bool) -> str:
        """The label of this model, empty where there is none; `answered`: a provider has answered for it, without an error."""
        if not model or model in self._known:
            return model
        if not answered or not self._room or self._taught[workload] == _SHARE:
            return OTHER
        self._room -= 1
        self._taught[workload] += 1
        self._known.add(model)
        return model
