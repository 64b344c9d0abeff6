"""A model server for routing tests: vectors of words, real fitting, and outages on demand."""

import asyncio
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import wraps
from hashlib import blake2b
from math import sqrt
from struct import pack
from typing import Any

from outgate.model_server.wire import ModelServerDownError
from outgate.routing.model import load

SIZE = 384
CODE = ("fix the bug in this code", "why does my code crash", "code fails to build", "write code to sort a list", "debug my code")
CHAT = ("hello there friend", "tell me a joke friend", "how are you friend", "good morning friend", "sing me a song friend")
NONE = ("weather in paris", "price of gold", "capital of peru", "height of everest", "age of the earth")


def aio(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run a coroutine test in a loop of its own."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        asyncio.run(test(*arguments, **named))

    return run


def vector(text: str) -> bytes:
    """The unit vector of a text's words: texts with the same words are near."""
    values = [0.0] * SIZE
    for word in text.lower().split():
        values[int.from_bytes(blake2b(word.encode(), digest_size=4).digest()) % SIZE] += 1.0
    length = sqrt(sum(value * value for value in values)) or 1.0
    return pack(f"<{SIZE}f", *(value / length for value in values))


class FakeModels:
    """Answers `embed` and `topics`; `down` refuses, `asked` counts items by model."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.down = False

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        if self.down:
            raise ModelServerDownError
        self.asked[model] += len(items)
        if model == "embed":
            return [b64encode(vector(item)).decode() for item in items]
        fit = load()
        return [fit.merge(job, fit.run(job.pieces, options)) for job in map(fit.split, items)]
