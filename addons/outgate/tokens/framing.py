"""Tokenizer of each model family, and the tokens that its provider adds around messages and tools.

OpenAI: 3 tokens a message and 3 to prime the reply, roles are one token (OpenAI cookbook, "How to count tokens with tiktoken").
Anthropic: 7 tokens around the first message (ctok, measured), 4 for each further one (an approximation), 346 for the tool prompt
(docs.anthropic.com, "Tool use: pricing"). Tools are counted as the JSON they were given in, which is close to, and above, what
either provider renders. What remains is learned from reported usage by `Tokenizers.observe`.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from outgate.dialects.registry import spec
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import Channel, Leaf

_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d+)(?:[-.](\d{1,2})(?!\d))?")
_ELSEWHERE = frozenset({Channel.TOOL_DEFINITION, Channel.PARAMETER})
_BARE = frozenset({Kind.EMBEDDINGS, Kind.TEXT, Kind.IMAGES, Kind.SPEECH, Kind.TRANSCRIPTION, Kind.MODERATION})


class Exactness(StrEnum):
    """How far a count can be trusted; only what is not exact is corrected by what was learned."""

    EXACT = "exact"
    RECONSTRUCTED = "reconstructed"
    FOREIGN = "foreign"


class Family(NamedTuple):
    """How to count for a model: the tokenizer (`o200k_base`, `cl100k_base` or `claude/<version>`), and the dialect of its maker."""

    tokenizer: str
    exactness: Exactness
    dialect: str


_OPENAI = Family("o200k_base", Exactness.EXACT, "openai")
_FOREIGN = _OPENAI._replace(exactness=Exactness.FOREIGN)


def family_of(model: str) -> Family:
    """The family of a model by its name; vendor prefixes (`openai/`, `us.anthropic.`) are ignored."""
    name = model.lower().rpartition("/")[2]
    if "claude" in name:
        return Family(f"claude/{_claude_version(name)}", Exactness.RECONSTRUCTED, "anthropic")
    from tiktoken.model import encoding_name_for_model

    try:
        encoding = encoding_name_for_model(name)
    except KeyError:
        return _FOREIGN
    if encoding == "cl100k_base":
        return _OPENAI._replace(tokenizer=encoding)
    return _OPENAI if encoding.startswith("o200k") else _FOREIGN


def _claude_version(name: str) -> str:
    found = _CLAUDE.search(name)
    if found is None:
        return "4.8"
    version = (int(found[1]), int(found[2] or 0))
    return "3.0" if version < (4, 7) else "4.7" if version < (4, 8) else "4.8"


def counted(leaves: tuple[Leaf, ...]) -> list[int]:
    """Indexes of the leaves that are prompt text: not tool definitions, which are counted as JSON, and not parameters outside
    messages, which the model never sees.
    """
    return [at for at, leaf in enumerate(leaves) if leaf.channel not in _ELSEWHERE or leaf.turn >= 0]


def parameter_chars(leaves: tuple[Leaf, ...]) -> int:
    """Characters in parameters outside messages."""
    return sum(len(leaf.text) for leaf in leaves if leaf.channel is Channel.PARAMETER and leaf.turn < 0)


def frame(family: Family, operation: Operation, leaves: tuple[Leaf, ...], *, tools: bool) -> int:
    """Tokens that are added around messages and tools, by the model's maker or by the API that it is called through, whichever adds
    more; what is no conversation has no frame.
    """
    if operation.kind in _BARE:
        return 0
    made, called = spec(family.dialect).framing, spec(operation.dialect).framing
    first, further, tool_prompt = map(max, made, called)
    messages = len({leaf.turn for leaf in leaves if leaf.turn >= 0}) or 1
    return first + (messages - 1) * further + (tool_prompt if tools else 0)
