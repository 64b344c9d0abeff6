"""Questions that workers put to the model `answers` of the model server, and its replies, as JSON.

Imported by workers: nothing of the index is imported here.
"""

import logging
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from outgate.inference.cached import CacheStatus
from outgate.model_server.wire import ModelServerError

_log = logging.getLogger(__name__)
MODEL = "answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """Find the entry of a partition that answers this text. `vector` is float32, empty where the text is still to be embedded;
    times are epoch seconds.

    `threshold` is the least cosine that is judged at all, `delta` the rate of wrong hits that the policy allows.
    """

    partition: bytes
    tenant: str
    text: str = field(repr=False)
    encoder: str
    threshold: float
    delta: float
    max_age: float
    now: float
    vector: bytes = field(default=b"", repr=False)
    history: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The reply to `Nearest`: the best candidate, and whether it may be served; `key` is None where there is no candidate.

    `reason` says why nothing is served: `none`, `far`, `vetoed`, `history` (an earlier turn), `unverified` (no verifier), `below`
    (its score), `bound` (the tenant's error bound); empty where it is served. `bound` is the state of that bound. `vetoes` are the
    checks that told the questions apart, `needed` is the similarity or score that was missed, `entry` the id of the request that
    stored the candidate; `vector` is the question's, where it was embedded for this. `reworded`: turns before the question are the
    same in meaning only; such hits have a bound of their own.
    """

    served: bool
    reason: str
    key: bytes | None = None
    similarity: float = 0.0
    score: float | None = None
    vetoes: tuple[str, ...] = ()
    age: float = 0.0
    bound: str = "calibrated"
    needed: float | None = None
    entry: str = ""
    vector: bytes = field(default=b"", repr=False)
    reworded: bool = False

    def status(self, tier: str) -> CacheStatus:
        """A miss, with what is known of the candidate."""
        if self.key is None:
            return CacheStatus(tier, "miss")
        near = CacheStatus(tier, "miss", similarity=self.similarity, score=self.score, needed=self.needed)
        return near._replace(entry=self.entry, checks=self.vetoes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """Record whether an answer that was or would have been served is the same as the fresh one.

    `same_calls` is false where they call different tools, or one tool differently: then they are not, whatever they say.
    """

    key: bytes
    tenant: str
    delta: float
    score: float
    stored: str = field(repr=False)
    fresh: str = field(repr=False)
    same_calls: bool = True
    reworded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The reply to `Compare`: whether the answers are the same, and the tenant's bound after this comparison.

    `changed` is true when it raised the threshold of the verifier's score; `threshold` is None where nothing similar is served any
    more. `comparisons` and `wrong` are all that the tenant had.
    """

    same: bool
    bound: str
    changed: bool
    threshold: float | None
    comparisons: int
    wrong: int


class Asks(Protocol):
    """The model server's client."""

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]: ...


async def nearest(models: Asks, question: Nearest, share: str = "", embedder: tuple[str, ...] = ()) -> Found:
    """Ask for the best candidate; `embedder` are the options of the model `embed`. Raises ModelServerError."""
    return _found(await _ask(models, "nearest", question, share, embedder))


async def compare(models: Asks, question: Compare, share: str = "") -> Compared:
    """Have two answers compared and the result counted. Raises ModelServerError."""
    reply = await _ask(models, "compare", question, share)
    try:
        compared = Compared(**reply)
    except TypeError:
        raise ModelServerError("protocol") from None
    if compared.changed:
        _log.warning(
            "cached answers of tenant %s: of %d that were compared, %d were wrong, more than %s allows; %s",
            question.tenant, compared.comparisons, compared.wrong, question.delta, _consequence(compared.threshold),
        )  # fmt: skip
    return compared


def _consequence(threshold: float | None) -> str:
    if threshold is None:
        return "similar ones are no longer served"
    return f"similar ones are served from {threshold} of the verifier's score"


async def _ask(models: Asks, name: str, question: Any, share: str, options: tuple[str, ...] = ()) -> dict[str, Any]:
    (reply,) = await models.ask(MODEL, [written(name, question)], options=options, share=share)
    if not isinstance(reply, dict):
        raise ModelServerError("protocol")
    return reply


def written(name: str, question: Nearest | Compare) -> str:
    """A question as an item of a request."""
    fields = {field: getattr(question, field) for field in question.__slots__}
    return orjson.dumps({"ask": name} | {field: _plain(value) for field, value in fields.items()}).decode()


def read(item: str) -> Nearest | Compare:
    """The question of an item. Raises ValueError, TypeError, KeyError."""
    fields = orjson.loads(item)
    kind: type[Nearest | Compare] = {"nearest": Nearest, "compare": Compare}[fields.pop("ask")]
    values: dict[str, Any] = {name: b64decode(value) if name in _BYTES else value for name, value in fields.items()}
    return kind(**values)


_BYTES = frozenset({"partition", "vector", "history", "key"})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _found(reply: dict[str, Any]) -> Found:
    try:
        key, vector = reply["key"], b64decode(reply["vector"])
        return Found(**reply | {"key": b64decode(key) if key else None, "vetoes": tuple(reply["vetoes"]), "vector": vector})
    except (KeyError, TypeError, ValueError):
        raise ModelServerError("protocol") from None
