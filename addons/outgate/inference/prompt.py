"""Text of a request as policies see it: leaves of a decoded tree that is never changed."""

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from outgate.inference.verdict import Extent

_NOWHERE: Mapping[str, tuple[int, str | int]] = MappingProxyType({})


class Channel(StrEnum):
    """Where in the conversation a piece of text stands.

    SEALED is what only a provider can read and wants back unchanged, encrypted reasoning or a signature: counted, not judged.
    """

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    REASONING = "reasoning"
    TOOL_RESULT = "tool_result"
    TOOL_ARGUMENTS = "tool_arguments"
    TOOL_DEFINITION = "tool_definition"
    PARAMETER = "parameter"
    KEY = "key"
    SEALED = "sealed"


TOLD = frozenset({Channel.TOOL_RESULT, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_ARGUMENTS})
"""What tools and the model said: a host that only they name is none that the caller asked for."""
MEDIA = frozenset({"image", "audio", "file"})
"""Kinds of parts that are long without being text."""


class Leaf(NamedTuple):
    """One string of the body.

    `box` and `key` address it in the document, `turn` is the index of its message (-1 outside messages). A leaf whose channel
    is KEY is a member *name* (of tool arguments, say): it is judged, and can be replaced like any other.
    """

    box: int
    key: str | int
    text: str
    channel: Channel
    turn: int = -1


class Document(Protocol):
    """A decoded body: what `leaves` and `unjudged` came from, and how edits become bytes again."""

    def encode(self, edits: Mapping[tuple[int, str | int], Any]) -> bytes: ...

    def abridged(self, edits: Mapping[tuple[int, str | int], Any], most: int) -> tuple[bytes, int]:
        """The body with no more than `most` bytes of each file that was cut out of it; and its size in whole."""
        ...


class Prompt:
    """The fact `prompt`: every string leaf of a request body, in document order, with the edits made so far.

    A mutation is a new Prompt over the same document. Compared by identity: a mutator that changed nothing returns the object
    it was given, and nothing downstream runs again. `unjudged` names the kinds of parts that are not text (image, audio,
    file, token_array, opaque ...), and `parts` measures them. `hosted` are the places of what makes the provider call an address or
    run a program; `places` says of each unjudged kind where its first part stands, if anywhere.
    """

    __slots__ = ("__weakref__", "document", "edits", "hosted", "leaves", "parts", "places", "unjudged")

    def __init__(
        self,
        document: Document,
        leaves: tuple[Leaf, ...],
        unjudged: frozenset[str] = frozenset(),
        edits: Mapping[tuple[int, str | int], Any] | None = None,
        parts: tuple[Extent, ...] = (),
        hosted: tuple[tuple[int, str | int], ...] = (),
        places: Mapping[str, tuple[int, str | int]] = _NOWHERE,
    ) -> None:
        self.document = document
        self.leaves = leaves
        self.unjudged = unjudged
        self.parts = parts
        self.hosted = hosted
        self.places = places
        self.edits: Mapping[tuple[int, str | int], Any] = edits or {}

    def replace(self, changes: Mapping[int, str]) -> "Prompt":
        """A prompt whose leaves at these indexes have new text; itself, when nothing differs."""
        changed = {i: text for i, text in changes.items() if self.leaves[i].text != text}
        if not changed:
            return self
        leaves = list(self.leaves)
        edits = dict(self.edits)
        for index, text in changed.items():
            leaf = leaves[index]
            leaves[index] = leaf._replace(text=text)
            edits[leaf.box, leaf.key] = text
        return Prompt(self.document, tuple(leaves), self.unjudged, edits, self.parts, self.hosted, self.places)

    def stand_in(self, sentences: Mapping[tuple[int, str | int], tuple[str, Collection[int]]]) -> "Prompt":
        """A prompt in which a sentence stands at each of these places, instead of the leaves with these indexes."""
        if not sentences:
            return self
        first = {min(leaves): (place, text) for place, (text, leaves) in sentences.items()}
        gone = {index for _, leaves in sentences.values() for index in leaves}
        addressed = {(self.leaves[index].box, self.leaves[index].key) for index in gone}
        kept: list[Leaf] = []
        for index, leaf in enumerate(self.leaves):
            if index in first:
                (box, key), text = first[index]
                kept.append(leaf._replace(box=box, key=key, text=text))
            elif index not in gone:
                kept.append(leaf)
        edits = {place: value for place, value in self.edits.items() if place not in addressed}
        edits |= {place: text for place, (text, _) in sentences.items()}
        return Prompt(self.document, tuple(kept), self.unjudged, edits, self.parts, self.hosted, self.places)

    def __repr__(self) -> str:
        return f"Prompt({len(self.leaves)} leaves, {len(self.edits)} edits)"
