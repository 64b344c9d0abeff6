"""Settings of a guard that acts: what happens by channel and by rule when it finds something, and with which words it answers."""

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, ClassVar, Self

from pydantic import Field, field_validator, model_validator

from outgate.inference.prompt import Channel
from outgate.pipeline.stage import TimedSettings


class Act(StrEnum):
    """What happens to a text in which a rule matched."""

    DENY = "deny"
    ANSWER = "answer"
    WITHHOLD = "withhold"
    REDACT = "redact"
    """Only where a guard can tell the text at fault from what is around it."""
    FLAG = "flag"


STRENGTH = tuple(Act)
"""The strongest comes first: of several findings in a text, it is what happens."""
_TOOLS = frozenset({Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS})
_WITHHELD = frozenset({Channel.USER, Channel.ASSISTANT}) | _TOOLS


class GuardSettings(TimedSettings):
    """What a guard does about what it finds."""

    action: Act = Act.DENY
    """What happens where `actions` and `rules` say nothing else. `deny` refuses the request; `answer` gives `answer` as if the
    model had said it; `withhold` puts a sentence in the place of the text, and `flag` writes the verdict down, and both go on.
    Text that was answered or refused before is withheld instead of ending the request again.
    """
    actions: dict[str, Act] = Field(default={}, examples=[{"tool_result": "withhold", "user": "flag"}])
    """What happens in a channel: `user`, `assistant`, `tool_result` and `tool_arguments` take all four; `system`,
    `tool_definition`, `parameter` and `key` are never withheld. What tools gave and were given is withheld unless it is named here.
    """
    rules: dict[str, Act] = Field(default={}, examples=[{"override.previous": "deny"}])
    """What happens when a rule matches, in whatever channel. Rules that are signals are flagged unless it says otherwise."""
    redacts: ClassVar[bool] = False
    """Whether `redact` is among its actions."""
    answer: str = Field(default="I can't help with that request.", min_length=1, max_length=4_000)
    """The words of `answer`."""

    def rule_ids(self) -> Collection[str]:
        """The ids that `rules` may name."""
        return ()

    def act(self, rule: str, channel: Channel, *, certain: bool) -> Act:
        """What happens when a rule matches in a new text of this channel."""
        said = self.rules.get(rule)
        if said is None and not certain:
            return Act.FLAG
        return said or self.actions.get(channel.value) or self._default(channel)

    def acts(self) -> frozenset[Act]:
        """Everything that may happen."""
        return frozenset({self.action, *self.actions.values(), *self.rules.values()})

    def _default(self, channel: Channel) -> Act:
        return max(self.action, Act.WITHHOLD, key=STRENGTH.index) if channel in _TOOLS else self.action

    @field_validator("actions")
    @classmethod
    def _channels(cls, actions: Mapping[str, Act]) -> Mapping[str, Act]:
        for name, act in actions.items():
            refuse_unknown("channel", name, tuple(Channel))
            if act is Act.WITHHOLD and name not in _WITHHELD:
                raise ValueError(f"`{name}` cannot be withheld: the request would mean something else; take deny or flag")
        return actions

    @model_validator(mode="after")
    def _rules(self) -> Self:
        if not self.redacts and Act.REDACT in self.acts():
            raise ValueError("this guard does not redact; take deny, answer, withhold or flag")
        names = self.rule_ids() if self.rules else ()
        for name in self.rules:
            refuse_unknown("rule", name, names)
        return self


class ModelGuardSettings(GuardSettings):
    """Settings of a guard that may judge requests for some models only."""

    per_model: bool = False
    """Judge only requests for some models; the stage then runs after the model is chosen."""
    models: tuple[str, ...] = ("*",)
    """Which models, as shell patterns, where `per_model` is set."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Facts that the guard reads for it."""
        return ("model",) if self.per_model else ()

    def leaves_out(self, facts: Any) -> bool:
        """Whether the guard does not apply to a request."""
        return self.per_model and not any(fnmatchcase(facts.model, model) for model in self.models)


def refuse_unknown(kind: str, name: str, names: Collection[str]) -> None:
    """Raises ValueError for a name that is not among these."""
    if name not in names:
        near = get_close_matches(name, names, 1)
        raise ValueError(f"there is no {kind} `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""))
