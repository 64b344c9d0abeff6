"""Prompts and answer events that are nothing but their texts."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Any, NamedTuple

from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.stream import Event, Finish, Text
from outgate.inference.usage import Usage


class NoDocument:
    def encode(self, edits: Mapping[tuple[int, str | int], Any]) -> bytes:
        raise NotImplementedError


def prompt(*texts: str, channel: Channel = Channel.USER, turn: int | None = None, unjudged: frozenset[str] = frozenset()) -> Prompt:
    """One leaf for each text, each a message of its own unless `turn` is given."""
    leaves = tuple(Leaf(0, i, text, channel, i if turn is None else turn) for i, text in enumerate(texts))
    return Prompt(NoDocument(), leaves, unjudged)


def texts_of(prompt: Prompt) -> tuple[str, ...]:
    return tuple(leaf.text for leaf in prompt.leaves)


class RefusedTexts:
    """Remembers what it is given, as stores.refused does."""

    def __init__(self) -> None:
        self.digests: dict[tuple[str, str], set[str]] = {}

    async def known(self, tenant: str, workload: str, digests: Collection[str]) -> Collection[str]:
        return self.digests.get((tenant, workload), set()).intersection(digests)

    async def add(self, tenant: str, workload: str, digests: Collection[str]) -> None:
        self.digests.setdefault((tenant, workload), set()).update(digests)


class FakeEvent(NamedTuple):
    texts: Sequence[Text] = ()
    closes: Sequence[Hashable] = ()
    whole: bool = False
    usage: Usage | None = None
    last: bool = False
    hidden: bool = False
    finish: Finish | None = None
    calls_tool: bool = False

    def replace(self, changes: Mapping[int, str]) -> "FakeEvent":
        texts = tuple(text._replace(text=changes.get(i, text.text)) for i, text in enumerate(self.texts))
        return self._replace(texts=texts)

    def only(self, index: int, text: str) -> "FakeEvent":
        return FakeEvent((self.texts[index]._replace(text=text),))

    def encode(self) -> bytes:
        return b"|".join(text.text.encode() for text in self.texts) + b"\n"


def piece(text: str, part: Hashable = ("content",), channel: Channel = Channel.ASSISTANT) -> FakeEvent:
    escaped = channel is Channel.TOOL_ARGUMENTS and part[-1] in ("arguments", "partial_json")
    return FakeEvent((Text(part, text, channel, escaped=escaped),))


def text_of(events: Sequence[Event], part: Hashable = ("content",)) -> str:
    return "".join(text.text for event in events for text in event.texts if text.part == part)


class Scores:
    """Stands for the model server with the model `injection`: a text that holds one of these words
    scores .9, any other .1.

    `asked` are the channels and texts of each question; `error` is raised instead of an answer.
    """

    def __init__(self, *words: str, error: Exception | None = None) -> None:
        self.words, self.error = words or ("wicked",), error
        self.asked: list[tuple[str, ...]] = []

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        assert ("injection", "/") == (model, share[share.index("/")])
        if self.error is not None:
            raise self.error
        self.asked.append((*options, *items))
        return [[0.9 if any(word in item for word in self.words) else 0.1, 1] for item in items]

    @property
    def texts(self) -> list[str]:
        return [text for _, *texts in self.asked for text in texts]
