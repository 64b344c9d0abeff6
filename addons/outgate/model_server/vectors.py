"""Embed texts for workers, each once per tenant while it is remembered: an agent asks again on every step, and routing and
the cache both read the same question.
"""

from base64 import b64decode
from collections.abc import Sequence

from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.model_server.wire import Models


class Vectors:
    """Unit vectors of texts, float32; `embedder` are the options of the model `embed`."""

    def __init__(self, models: Models, memo: Memory, embedder: tuple[str, ...] = ()) -> None:
        self._models, self._memo, self._embedder = models, memo, embedder
        self._kind = f"vector:{','.join(embedder)}"

    async def of(self, text: str, principal: Principal) -> bytes:
        """The vector of a text. Raises ModelServerError, and ValueError or TypeError for a reply that is none."""
        (vector,) = await self.all([text], principal)
        return vector

    async def all(self, texts: Sequence[str], principal: Principal) -> list[bytes]:
        """The vectors of texts, by one question for all that are new. Raises as `of`."""
        vectors = {text: self.known(text, principal.tenant) for text in texts}
        new = [text for text, vector in vectors.items() if vector is None]
        share = f"{principal.tenant}/{principal.name}"
        answers = await self._models.ask("embed", new, options=self._embedder, share=share) if new else []
        for text, answer in zip(new, answers, strict=True):
            vectors[text] = vector = b64decode(answer, validate=True)
            self.remember(text, principal.tenant, vector)
        return [vectors[text] or b"" for text in texts]

    def known(self, text: str, tenant: str) -> bytes | None:
        """The vector of a text that was embedded before."""
        found: bytes | None = self._memo.get_many(tenant, self._kind, (self._memo.digest(text),))[0]
        return found

    def remember(self, text: str, tenant: str, vector: bytes) -> None:
        """Keep what somebody else embedded."""
        self._memo.put(tenant, self._kind, self._memo.digest(text), vector, len(vector))
