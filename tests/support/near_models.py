"""The model server's models in this process, in a thread of their own; only what judges two questions is a double.

It agrees wherever the symbol checks do not object. Embedder, index, file and redaction are the real ones.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from outgate.answers.bound import Errors
from outgate.answers.judgement import Verdict
from outgate.detectors.paraphrase.checks import differences
from outgate.model_server.client import findings
from outgate.model_server.loading import maker
from outgate.model_server.process import MODELS
from outgate.model_server.wire import ModelServerDownError


class Agreeing:
    """Serves what no symbol check objects to; two answers are the same where their texts are."""

    version = "agreeing"
    errors, least = Errors(), 0.5

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict:
        against = differences(asked, stored).vetoes
        return Verdict(served=not against, score=None if against else 0.99, vetoes=against)

    def similarity(self, one: str, other: str) -> float:
        return 1.0

    def same_answer(self, a: str, b: str) -> bool:
        return a == b


class InPlace:
    """A double in the place of `ModelClient`, before the class that answers; `made` are those of its class."""

    made: list[Any]

    def __init_subclass__(cls) -> None:
        cls.made = []

    def __init__(self, *_: object) -> None:
        super().__init__()
        self.made.append(self)

    async def prepare(self, asked: Iterable[Any], report: object) -> None:
        self.prepared = list(asked)

    async def close(self) -> None:
        """Nothing is open."""


class NearModels:
    """Stands for `ModelClient`. `down` makes it a model server that is dead; `asked` are the models in the order of questions."""

    made: "list[NearModels]" = []

    def __init__(self, socket: str, *_observe: object) -> None:
        self._makers = dict(maker(entry, Path(socket).parent) for entry in MODELS)
        self._models: dict[str, Any] = {}
        self._thread = ThreadPoolExecutor(1)
        self.down = False
        self.asked: list[str] = []
        self.items: list[str] = []
        self.made.append(self)

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        self.asked.append(model)
        self.items += items
        if self.down:
            raise ModelServerDownError
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._answers, model, list(items), options)

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str = "") -> list[Any]:
        return [findings(found) for found in await self.ask("pii", texts, options=entities, share=share)]

    async def prepare(self, asked: Iterable[tuple[str, tuple[str, ...]]], report: Callable[[str], None]) -> None:
        """Models are loaded when they are asked."""

    async def close(self) -> None:
        self._thread.shutdown(wait=True)

    def _answers(self, name: str, items: Sequence[str], options: tuple[str, ...]) -> list[Any]:
        if name not in self._models:
            self._models[name] = self._makers[name]()
        model = self._models[name]
        if (prepare := getattr(model, "prepare", None)) is not None:
            prepare(options)
        jobs = [model.split(item) for item in items]
        return [model.merge(job, model.run(job.pieces, options)) for job in jobs]


def double(patch: Any) -> Callable[[], NearModels]:
    """Put the double in the place of the client, and the agreeing judgement in that of the real one. Gives the client."""
    patch.setattr("outgate.server.runtime.ModelClient", NearModels)
    patch.setattr("outgate.answers.service.load_judgement", Agreeing)
    NearModels.made.clear()
    return partial(NearModels.made.__getitem__, -1)
