"""Tokens of the text of a stream, counted as it comes: what was said is charged also where no usage is reported.

Only the last stretch of text is kept, however long the stream.
"""

from collections.abc import Callable
from typing import Protocol

from outgate.errors import WireError
from outgate.pipeline.executor import Execution

_STRETCH = 8192
"""Characters that are counted at a time."""
_SLACK = 256


class TextCounter(Protocol):
    """Counts the tokens of text that was delivered before a provider reported usage."""

    def count_text(self, model: str, text: str) -> int: ...


class Said:
    """`count` counts the tokens of a text. `bound` is the most output tokens that were asked for, None where nothing was."""

    __slots__ = ("_bound", "_count", "_counted", "_size", "_texts")

    def __init__(self, count: Callable[[str], int], bound: int | None = None) -> None:
        self._count, self._bound = count, bound
        self._texts: list[str] = []
        self._size = self._counted = 0

    def add(self, text: str) -> None:
        """Raises WireError where the provider goes on far beyond the bound: what is left of it would be debt."""
        self._texts.append(text)
        self._size += len(text)
        if self._size >= _STRETCH and self.tokens > self._most:
            raise WireError("answer_over_maximum", f"it goes on beyond the {self._bound} tokens that were asked for")

    @property
    def tokens(self) -> int:
        """All that was counted, and what has come since."""
        if self._texts:
            self._counted += self._count("".join(self._texts))
            self._texts, self._size = [], 0
        return self._counted

    @property
    def _most(self) -> float:
        """Counts of another tokenizer than the provider's differ; by half they do not."""
        return float("inf") if self._bound is None else 1.5 * self._bound + _SLACK


def said_in(execution: Execution, counter: TextCounter) -> Said:
    """For the answer to a request: its model's tokens, and the most of them that the request asked for."""
    hold, params, model = execution.get("hold"), execution.get("params"), execution.get("model") or ""
    asked = params.max_tokens * max(1, params.n) if params is not None and params.max_tokens else None
    return Said(lambda text: counter.count_text(model, text), hold.output if hold is not None else asked)
