"""Abilities of Claude models by their names: forms of a request that one model needs, another one refuses.

A name that is none of Anthropic's is a server's that speaks its API; such servers know what the models of 2025 knew.
"""

import re
from typing import NamedTuple

_NAME = re.compile(r"claude-(?:([a-z]+)-)?(\d)(?:[.-](\d{1,2})(?!\d))?")
_UNNUMBERED = re.compile(r"claude-(?:fable|mythos)")
_NONE = (0, 0)


class Model(NamedTuple):
    """What a model takes: thinking as it likes (`adaptive`), a budget of thinking, sampling, temperature beside top_p (`both`), and
    a system's message between others.
    """

    adaptive: bool = False
    budgets: bool = True
    sampling: bool = True
    both: bool = True
    system_turns: bool = False


def model_of(name: str) -> Model:
    """The abilities of the model of this name."""
    version = _version(name)
    if version == _NONE:
        return Model()
    return Model(
        adaptive=version >= (4, 6),
        budgets=version < (4, 7),
        sampling=version < (4, 7),
        both=version < (4, 1),
        system_turns=version >= (4, 8),
    )


def _version(name: str) -> tuple[int, int]:
    found = _NAME.search(name)
    if found is None:
        return (5, 0) if _UNNUMBERED.search(name) else _NONE
    return int(found[2]), int(found[3] or 0)
