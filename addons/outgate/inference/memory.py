"""Memory of results about texts, as those need it who read texts: `stores.memo.Memo`, or a double of it."""

from collections.abc import Sequence
from typing import Any, Protocol

from outgate.inference.prompt import Prompt


class Memory(Protocol):
    """Results by digest of the text, per tenant; `kind` names what was computed, and its revision."""

    def digest(self, text: str) -> bytes: ...

    def digests(self, prompt: Prompt) -> tuple[bytes, ...]: ...

    def get(self, tenant: str, kind: str, digest: bytes) -> Any: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> Sequence[Any]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None: ...
