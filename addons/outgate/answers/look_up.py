"""Look up a question by its meaning: one question to the model server, which embeds it where nobody has yet.

No failure here is more than a miss. That the model server is late is said once, and again after it was in time.
"""

import logging
from asyncio import timeout
from collections.abc import Callable, Coroutine
from typing import Any

from outgate.answers.keys import Partition
from outgate.answers.questions import Found, Nearest, nearest
from outgate.answers.settings import CacheSettings
from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.model_server.embedders import Embedder
from outgate.model_server.vectors import Vectors
from outgate.model_server.wire import Models, ModelServerError

_log = logging.getLogger(__name__)


class LookUp:
    """Asks within `similar.limit` seconds. Vectors are float32; empty ones are not known."""

    def __init__(self, settings: CacheSettings, models: Models, memo: Memory, embedder: Embedder) -> None:
        self._settings, self._similar = settings, settings.similar
        self._models, self._embedder = models, embedder
        self._vectors = Vectors(models, memo, embedder.options)
        self._is_late = False

    async def embedded(self, text: str, who: Principal) -> bytes:
        """The vector of a text."""
        return await self._in_time(lambda: self._vectors.of(text, who)) or b""

    async def found(self, asked: Partition, vector: bytes, who: Principal, now: float) -> tuple[Found | None, bytes]:
        """The best candidate, None where nobody answers; and the vector of the question."""
        known = vector or self._vectors.known(asked.text, who.tenant) or b""
        question = Nearest(
            partition=asked.digest,
            tenant=who.tenant,
            text=asked.text,
            vector=known,
            encoder=self._embedder.version,
            threshold=self._similar.threshold,
            delta=self._similar.delta,
            max_age=self._settings.max_age,
            now=now,
            history=asked.history,
        )
        found = await self._in_time(lambda: nearest(self._models, question, who.tenant, self._embedder.options))
        if found is not None and not known:
            self._vectors.remember(asked.text, who.tenant, found.vector)
        return found, known or (found.vector if found is not None else b"")

    async def _in_time[Reply](self, ask: Callable[[], Coroutine[Any, Any, Reply]]) -> Reply | None:
        try:
            async with timeout(self._similar.limit):
                reply = await ask()
        except TimeoutError:
            if not self._is_late:
                _log.warning(
                    "similar answers: the model server does not answer within %g s; until it does, these look-ups are misses",
                    self._similar.limit,
                )
            self._is_late = True
            return None
        except (ModelServerError, TypeError, ValueError):
            return None
        self._is_late = False
        return reply
