"""Ask the model server on the account of a stage, so that the closing line can say what each stage spent."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from outgate.inference.spending import spend


class AccountedModels:
    """The model server as one stage gets it: `models` as a port, and each question noted under the stage's name."""

    def __init__(self, models: Any, stage: str, monotonic: Callable[[], float]) -> None:
        self._models, self._stage, self._monotonic = models, stage, monotonic

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        found: list[Any] = await self._noted(items, self._models.ask(model, items, options=options, share=share))
        return found

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str = "") -> Sequence[Any]:
        found: Sequence[Any] = await self._noted(texts, self._models.detect_pii(texts, entities, share))
        return found

    async def _noted(self, texts: Sequence[str], question: Awaitable[Any]) -> Any:
        began = self._monotonic()
        try:
            return await question
        finally:
            if texts:
                spend(self._stage, texts, self._monotonic() - began)
