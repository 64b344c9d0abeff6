"""Writer of `thinking` and `output_config.effort`: how much a model is to think, in the form that this model takes.

Older models take a budget, which the maximum of output includes; newer ones think as they like, by an effort. With a budget the
model wants its last thoughts back, signed, before the call that they led to; without them, or where a tool must be called, it
cannot think.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from outgate.dialects.anthropic.convert_blocks import NAME
from outgate.dialects.anthropic.convert_models import Model
from outgate.inference.conversation import Call, Conversation, Loss, Reasoning, Role, Thought, Turn

_LEAST = 1_024
"""The lowest budget that the API takes."""
_BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 31_999}
_EFFORTS = {"minimal": "low"}
_NEWEST_EFFORT = "xhigh"
_FORCED = ("any", "tool")


class Thinking(NamedTuple):
    """The two members, None where they are left out."""

    config: dict[str, Any] | None = None
    effort: str | None = None
    losses: tuple[Loss, ...] = ()

    @property
    def on(self) -> bool:
        return self.config is not None and self.config["type"] != "disabled"


def thinking_of(asked: Conversation, model: Model, room: int) -> Thinking:
    """What is asked for, of a model that may write `room` tokens."""
    wanted = asked.reasoning
    if wanted is None or not (wanted.effort or wanted.budget is not None):
        return Thinking()
    if wanted.effort == "none" or wanted.budget == 0:
        return Thinking({"type": "disabled"})
    if model.adaptive:
        return _adaptive(wanted, model, forced=asked.choice.mode in _FORCED)
    budget = _budget(wanted, room)
    if budget < _LEAST or asked.choice.mode in _FORCED or _unsigned(asked.turns):
        return Thinking(losses=(Loss("reasoning", "reasoning"),))
    return Thinking({"type": "enabled", "budget_tokens": budget, **_display(wanted)})


def _adaptive(wanted: Reasoning, model: Model, *, forced: bool) -> Thinking:
    effort = _EFFORTS.get(wanted.effort, wanted.effort) or _effort(wanted.budget)
    if effort == _NEWEST_EFFORT and model.budgets:  # models that still take budgets do not know it
        effort = "high"
    config = None if forced else {"type": "adaptive", **_display(wanted)}
    return Thinking(config, effort)


def _display(wanted: Reasoning) -> dict[str, str]:
    return {} if wanted.shown is None else {"display": "summarized" if wanted.shown else "omitted"}


def _effort(budget: int | None) -> str | None:
    """The lowest effort with such a budget; None where the model may think as it likes."""
    if budget is None or budget < 0:
        return None
    return next((effort for effort in ("low", "medium", "high") if budget <= _BUDGETS[effort]), "high")


def _budget(wanted: Reasoning, room: int) -> int:
    """A budget that leaves room for an answer: half of it where the caller named none."""
    if wanted.budget is not None and wanted.budget > 0:
        return min(max(wanted.budget, _LEAST), room - 1)
    return min(_BUDGETS.get(wanted.effort, _BUDGETS["medium"]), room // 2)


def _unsigned(turns: Sequence[Turn]) -> bool:
    """Whether the last answer called a tool, and its thoughts are not there, or not as this API signs them."""
    last = next((at for at in range(len(turns) - 1, -1, -1) if turns[at].role is Role.ASSISTANT), None)
    parts = () if last is None else turns[last].parts
    signed = any(isinstance(part, Thought) and part.provider == NAME and (part.signature or part.sealed) for part in parts)
    return not signed and any(isinstance(part, Call) for part in parts)
