"""Embed the question of a request, each text once per tenant while it is remembered: an agent asks again on every step."""

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, Protocol

from outgate.inference.principal import Principal
from outgate.routing.exemplars import Models


class Remembered(Protocol):
    """The part of stores.memo.Memo that remembers vectors."""

    def digest(self, text: str) -> bytes: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> Sequence[Any]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int) -> None: ...


class Vectors:
    """Unit vectors of texts, float32; `embedder` are the options of the model `embed`."""

    def __init__(self, models: Models, memo: Remembered, embedder: tuple[str, ...] = ()) -> None:
        self._models, self._memo, self._embedder = models, memo, embedder
        self._kind = f"vector:{','.join(embedder)}"

    async def of(self, text: str, principal: Principal) -> bytes:
        """The vector of a text. Raises ModelServerError."""
        digest = self._memo.digest(text)
        (known,) = self._memo.get_many(principal.tenant, self._kind, (digest,))
        if known is None:
            (answer,) = await self._models.ask(
                "embed", [text], options=self._embedder, share=f"{principal.tenant}/{principal.name}"
            )
            known = b64decode(answer)
            self._memo.put(principal.tenant, self._kind, digest, known, len(known))
        vector: bytes = known
        return vector
