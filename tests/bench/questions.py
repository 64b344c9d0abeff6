"""Requests that hold written questions: new ones for ever, the same few again and again, or one text.

A conversation of a system message and a question, `temperature: 0`, so that its answer may be cached.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from bench.conversation import letters
from evaluation.blocks import Block, blocks

_FOLDER = Path(__file__).parents[1] / "data/question_pairs"
SYSTEM = "You are a helpful assistant."


@cache
def held() -> list[Block]:
    """Questions with rewordings that the verifier was not trained on."""
    return blocks(*sorted(_FOLDER.glob("held*.txt")))


@cache
def other() -> list[str]:
    """A question of each other block: none of `held`."""
    mine = {block.question for block in held()}
    return sorted({block.question for block in blocks(*sorted(_FOLDER.glob("train*.txt")))} - mine)


def body(text: str, *, system: str = SYSTEM, model: str = "gpt-4o-mini") -> bytes:
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return json.dumps({"model": model, "messages": messages, "max_tokens": 4096, "temperature": 0}).encode()


class New:
    """Each question once; then each once more under another system message, which is another partition of the cache."""

    def __init__(self, model: str = "gpt-4o-mini") -> None:
        self._model = model

    def next(self, number: int) -> bytes:
        turn, at = divmod(number, len(other()))
        return body(other()[at], system=f"{SYSTEM} {letters(turn)}", model=self._model)


class Again:
    """The same texts in turn."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._bodies = [body(text) for text in texts]

    def __len__(self) -> int:
        return len(self._bodies)

    def next(self, number: int) -> bytes:
        return self._bodies[number % len(self._bodies)]
