"""Find the last question of a conversation, so that every step of a tool loop that follows it is decided as its first step was.

A message that holds the result of a tool is a step of the loop, whatever else an agent writes into it (reminders, for example).
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from outgate.inference.prompt import Channel, Leaf

_ENCLOSED = re.compile(r"\s*<([A-Za-z][\w-]*)>.*</\1>\s*", re.DOTALL)
"""What agents put beside the words of a person: `<system-reminder>`, `<environment_context>`."""
_LOOP = frozenset({Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS})
_READ = 1_000
"""Characters that are read from either end of a long question."""


class Asked(NamedTuple):
    """The words of the last question, the index of its message, and whether tools were called since."""

    text: str
    turn: int
    in_loop: bool


def asked(leaves: Sequence[Leaf]) -> Asked:
    """The last question; empty where nobody asked anything in words."""
    answered = {leaf.turn for leaf in leaves if leaf.channel is Channel.TOOL_RESULT}
    questions = [leaf for leaf in leaves if leaf.channel is Channel.USER and leaf.turn not in answered]
    last = max((leaf.turn for leaf in questions if _is_said(leaf)), default=max((leaf.turn for leaf in questions), default=-1))
    in_loop = any(leaf.turn > last and leaf.channel in _LOOP for leaf in leaves)
    return Asked(_ends(_words(leaf for leaf in questions if leaf.turn == last)), last, in_loop)


def opening(leaves: Sequence[Leaf]) -> str:
    """The words of the first message of a user, by which a conversation is known on every turn."""
    questions = [leaf for leaf in leaves if leaf.channel is Channel.USER]
    first = min((leaf.turn for leaf in questions), default=-1)
    return _words(leaf for leaf in questions if leaf.turn == first)


def until(leaves: Sequence[Leaf], turn: int) -> list[Leaf]:
    """The leaves up to a message, tools and system included: the same on every later step of a tool loop."""
    return [leaf for leaf in leaves if leaf.turn <= turn]


def tokens_of(leaves: Iterable[Leaf]) -> int:
    """About how many tokens a text has, for any model: one for 3.5 bytes."""
    return int(sum(len(leaf.text.encode("utf-8", "surrogatepass")) for leaf in leaves) / 3.5)


def _is_said(leaf: Leaf) -> bool:
    return bool(leaf.text.strip()) and _ENCLOSED.fullmatch(leaf.text) is None


def _words(leaves: Iterable[Leaf]) -> str:
    texts = [(leaf.text, _is_said(leaf)) for leaf in leaves]
    said = [text for text, is_said in texts if is_said]
    return "\n".join(said or (text for text, _ in texts))


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _READ else f"{text[:_READ]}\n{text[-_READ:]}"
