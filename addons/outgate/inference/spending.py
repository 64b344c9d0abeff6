"""Spending of an exchange beside its inference: what its stages ask models and services of, by stage. Never a piece of text.

Whoever asks notes it where the answer, or its absence, is known. The account is found by the context of the exchange's task, which
the tasks that it starts inherit: work that was begun early and thrown away has been spent too.
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import NamedTuple


class Spent(NamedTuple):
    """Questions, texts in them, their characters, seconds that were waited for answers, and US dollars."""

    asked: int = 0
    texts: int = 0
    characters: int = 0
    seconds: float = 0.0
    dollars: float = 0.0


_ACCOUNT: ContextVar[dict[str, Spent] | None] = ContextVar("spending", default=None)


def begin() -> None:
    """Open the account of an exchange, in its own task."""
    _ACCOUNT.set({})


def spend(stage: str, texts: Sequence[str], seconds: float, dollars: float = 0.0) -> None:
    """Note one question of a stage; outside of an exchange nothing is noted."""
    account = _ACCOUNT.get()
    if account is not None:
        asked, known, characters, waited, paid = account.get(stage, Spent())
        total = characters + sum(map(len, texts))
        account[stage] = Spent(asked + 1, known + len(texts), total, waited + seconds, paid + dollars)


def spent() -> Mapping[str, Spent]:
    """What the exchange has spent until now, by stage."""
    return dict(_ACCOUNT.get() or {})
