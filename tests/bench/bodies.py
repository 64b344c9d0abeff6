"""Chat requests of a given size for the bench, each with a number of its own so that no cache can answer it.

The bench's provider reads its orders from the text: `pace=20` (milliseconds between events), `hold` (one event, then silence).
"""

import json
from collections.abc import Iterator

TEXT = "the quarterly report says that shipments to the northern region rose while returns fell and nobody could say why"
WORDS = TEXT.split()
MARK = "0000000000"


class Body:
    """A chat request as bytes with a counter inside; `next()` gives it with the next number."""

    def __init__(self, text: str, *, stream: bool = False, history: list[dict[str, str]] | None = None) -> None:
        content = f"request {MARK} {text}"
        messages = [
            {"role": "system", "content": "You are a helpful assistant."},
            *(history or []),
            {"role": "user", "content": content},
        ]
        value = {"model": "gpt-4o-mini", "messages": messages, "max_tokens": 256, "temperature": 0}
        if stream:
            value |= {"stream": True, "stream_options": {"include_usage": True}}
        before, _, after = json.dumps(value).encode().partition(MARK.encode())
        self._before, self._after = before, after
        self.size = len(before) + len(MARK) + len(after)

    def next(self, number: int) -> bytes:
        return b"%s%010d%s" % (self._before, number, self._after)


def prose(size: int, seed: int = 0) -> str:
    """About `size` bytes of English words."""
    words, length, at = [], 0, seed
    while length < size:
        word = WORDS[(at * 7 + at // 11) % len(WORDS)]
        words.append(word)
        length += len(word) + 1
        at += 1
    return " ".join(words)[:size]


def small() -> Body:
    return Body(prose(1850))


def large() -> Body:
    return Body(prose(64 * 1024))


def paced(milliseconds: int) -> Body:
    return Body(f"pace={milliseconds} {prose(1800)}", stream=True)


def burst() -> Body:
    return Body(prose(1800), stream=True)


def held(size: int) -> Body:
    return Body(f"hold {prose(size)}", stream=True)


def agent_turns(agent: int, size: int = 400 * 1024, new: int = 1024) -> Iterator[Body]:
    """Two turns of one agent: a history of `size` bytes in pieces of 4 KB, then the same with the answer and `new` bytes more."""
    roles = ("user", "assistant")
    history = [
        {"role": roles[i % 2], "content": f"agent {agent} step {i}: {prose(4000, agent * 1000 + i)}"} for i in range(size // 4050)
    ]
    yield Body("go on", history=history)
    yield Body(prose(new, agent), history=[*history, {"role": "assistant", "content": prose(300, agent)}])
