"""Embed the phrases of a policy and fit its topics, once per policy and worker, by asking the model server in portions."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Sequence
from struct import pack

import orjson

from outgate.model_server.wire import Models
from outgate.routing.scoring import Scorer, floats, group_of
from outgate.routing.topics import SemanticRule, Topic, topics_of

_PORTION = 32
_CLUSTER, _MOST = 6, 32
"""Phrases for which a list without topics gets a cluster, and how many clusters it gets at most."""


class Exemplars:
    """The topics of one rule; `embedder` are the options of the model `embed`.

    Whoever needs them waits for the same work; what failed is begun anew by the next who needs it.
    """

    def __init__(self, rule: SemanticRule, models: Models, embedder: tuple[str, ...] = ()) -> None:
        self._rule, self._models, self._embedder = rule, models, embedder
        self._work: asyncio.Task[Scorer] | None = None

    def _begun(self) -> asyncio.Task[Scorer]:
        """The work that ends with the scorer."""
        failed = self._work is not None and self._work.done() and (self._work.cancelled() or self._work.exception() is not None)
        if self._work is None or failed:
            self._work = asyncio.get_running_loop().create_task(self._fit())
            self._work.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._work

    async def scorer(self) -> Scorer:
        """The fitted topics. Raises ModelServerError; who stops waiting does not end the work."""
        return await asyncio.shield(self._begun())

    def end(self) -> None:
        if self._work is not None:
            self._work.cancel()

    async def _fit(self) -> Scorer:
        topics = topics_of(self._rule)
        if self._rule.none_of_these:
            topics.append(Topic("", "", self._rule.none_of_these))
        vectors = [await self._vectors(topic.phrases) for topic in topics]
        counts = [_clusters(topic) for topic in topics]
        question = {"topics": [[b64encode(each).decode() for each in several] for several in vectors], "clusters": counts}
        (fitted,) = await self._models.ask("topics", [orjson.dumps(question).decode()], share="policy")
        groups = [
            group_of(topic.name, topic.title, group, topic.phrases, known)
            for topic, known, several in zip(topics, vectors, fitted, strict=True)
            for group in several
        ]
        none = groups.pop() if self._rule.none_of_these else None
        return Scorer(groups, none)

    async def _vectors(self, phrases: Sequence[str]) -> list[bytes]:
        """A float16 vector for each phrase."""
        found: list[bytes] = []
        for start in range(0, len(phrases), _PORTION):
            answers = await self._models.ask("embed", phrases[start : start + _PORTION], options=self._embedder, share="policy")
            found += [_halved(b64decode(answer)) for answer in answers]
        return found


def _clusters(topic: Topic) -> int:
    """A topic with a title is one; so are the phrases that belong to none."""
    return 1 if topic.title or not topic.name else max(1, min(_MOST, len(topic.phrases) // _CLUSTER))


def _halved(vector: bytes) -> bytes:
    values = floats(vector)
    return pack(f"<{len(values)}e", *values)
