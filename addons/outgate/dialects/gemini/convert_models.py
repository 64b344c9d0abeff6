"""Abilities of Gemini models by their names, and how much a model is to think in the form that it takes.

From 3 on a model has levels of thinking, wants the signature of a thought back beside the call that it led to, takes media within
a function's result, and a JSON Schema beside functions (ai.google.dev/gemini-api/docs/thinking, /thought-signatures). 2.5 has a
budget, and what was before does not think. A name without a number is that of the newest model.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from outgate.dialects.translation import effort_of
from outgate.inference.conversation import Loss, Reasoning

_NAME = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_NEWEST = (99, 0)
_NONE = (0, 0)
_BUDGETS = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576, "xhigh": 24_576}
"""Tokens for an effort, as Google's own layer for OpenAI clients has them (ai.google.dev/gemini-api/docs/openai)."""
_LEVELS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH"}


class Model(NamedTuple):
    """What a model takes. `pro` models cannot leave thinking."""

    version: tuple[int, int]
    pro: bool

    @property
    def newer(self) -> bool:
        """Whether it is 3 or later."""
        return self.version >= (3, 0)


def model_of(name: str) -> Model:
    """The abilities of the model of this name."""
    return Model(_version(name), "pro" in name)


def _version(name: str) -> tuple[int, int]:
    found = _NAME.search(name)
    if found is None:
        return _NEWEST if name.startswith("gemini-") else _NONE
    return int(found[1]), int(found[2] or 0)


def thinking_of(wanted: Reasoning | None, model: Model, losses: list[Loss]) -> Mapping[str, Any]:
    """`thinkingConfig`; empty where nothing is asked or the model does not think. One that always thinks is asked for its least."""
    if wanted is None or not (wanted.effort or wanted.budget is not None or wanted.shown):
        return {}
    none = wanted.effort == "none" or wanted.budget == 0
    if model.version < (2, 5):
        losses += [] if none else [Loss("reasoning", "reasoning")]
        return {}
    shown = (wanted.budget or 0) != 0 if wanted.shown is None else wanted.shown
    much = _level(wanted, model) if model.newer else _budget(wanted, model)
    return {**much, **({"includeThoughts": True} if shown and not none else {})}


def _level(wanted: Reasoning, model: Model) -> Mapping[str, Any]:
    told = wanted.budget is not None and wanted.budget >= 0
    effort = wanted.effort or (effort_of(wanted.budget or 0) if told else "")
    if not effort:
        return {}
    level = _LEVELS[effort]
    if model.pro and level == "MINIMAL":
        level = "LOW"
    if model.pro and model.version == (3, 0) and level == "MEDIUM":
        level = "HIGH"
    return {"thinkingLevel": level}


def _budget(wanted: Reasoning, model: Model) -> Mapping[str, Any]:
    """A budget within what the model takes: 0 to 24,576 tokens, a pro 128 to 32,768."""
    budget = wanted.budget if wanted.budget is not None else _BUDGETS.get(wanted.effort)
    if wanted.effort == "none":
        budget = 0
    if budget is None:
        return {}
    least, most = (128, 32_768) if model.pro else (0, 24_576)
    return {"thinkingBudget": budget if budget < 0 else min(max(budget, least), most)}
