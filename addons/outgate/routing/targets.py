"""Aliases of `model_map`: names and patterns of names, and the targets behind them."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from outgate.inference.names import ModelName, ProviderName
from outgate.net.patterns import captured
from outgate.pipeline.stage import Settings
from outgate.routing.conditions import When

_CAPTURE = re.compile(r"\{([0-9]+)\}")


class ModelTarget(Settings):
    """A model where it is served."""

    provider: ProviderName
    """A name from the policy's `providers`."""
    model: ModelName
    """The model's name there. Under a pattern, `{1}` stands for what its first `*` stood for."""
    weight: Annotated[float, Field(ge=0)] | None = None
    """Share of the callers, beside other weights. A target without one, or of weight 0, is taken only where those have failed."""
    when: When = When()
    """Conditions under which it is a target at all."""
    context: Annotated[int, Field(ge=1)] | None = None
    """Tokens of its context window, where genai-prices does not know it."""
    media: bool = True
    """Whether it takes images, audio and files."""


class Alias(Settings):
    """Targets, and how one of them is chosen."""

    targets: tuple[ModelTarget, ...]
    """The preferred one first; the next is taken where a provider has failed in this exchange."""
    sticky: Literal["workload", "conversation", "request"] = "conversation"
    """Who keeps the same target while weights stay: a workload, a conversation, or nobody; no tool loop ever changes it."""
    prefer: Literal["listed", "cheapest", "fastest"] = "listed"
    """Order of the targets: as listed, by the price of the request, or by how soon answers began at this worker."""
    fit: bool = False
    """Skip targets whose context window is too small for the request, and those that take no media where it holds some."""

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if not self.targets:
            raise ValueError("no target is given")
        if self.prefer != "listed" and self.weighted:
            raise ValueError(f"`weight` and `prefer: {self.prefer}` are two orders; keep one of them")
        return self

    @property
    def weighted(self) -> bool:
        return any(target.weight is not None for target in self.targets)


type Written = tuple[ModelTarget, ...] | Alias


class Found(NamedTuple):
    """An alias, and what each `*` of its pattern stood for."""

    name: str
    alias: Alias
    captures: tuple[str, ...]

    def model(self, target: ModelTarget) -> str:
        """The target's name, with what the pattern captured."""
        return _CAPTURE.sub(lambda mark: self.captures[int(mark[1]) - 1], target.model) if self.captures else target.model


class Aliases:
    """All aliases: an exact name is found first, then the longest pattern, then the one that is written first."""

    def __init__(self, written: Mapping[str, Written]) -> None:
        """Raises ValueError for an alias without a target, or a capture without its `*`."""
        self._all = {name: each if isinstance(each, Alias) else _listed(name, each) for name, each in written.items()}
        for name, alias in self._all.items():
            _check(name, alias)
        self._patterns = sorted((name for name in self._all if "*" in name), key=len, reverse=True)

    @property
    def all(self) -> tuple[Alias, ...]:
        return tuple(self._all.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._all))

    def told(self) -> tuple[str, ...]:
        """Aliases that choose by more than the order of their targets, in words."""
        return tuple(
            f"{name}: {'; '.join(map(_told, alias.targets))}{_how(alias)}" for name, alias in self._all.items() if _chooses(alias)
        )

    def chains(self) -> tuple[str, ...]:
        """Aliases of several targets, in words."""
        several = ((name, alias) for name, alias in self._all.items() if len(alias.targets) > 1)
        return tuple(f"{name}: {'; '.join(map(_told, alias.targets))}{_how(alias)}" for name, alias in several)

    def after(self, provider: str) -> tuple[str, ...]:
        """The other providers that stand behind this one in an alias, each once."""
        chains = ([target.provider for target in alias.targets] for alias in self._all.values())
        behind = (each for chain in chains if provider in chain for each in chain[chain.index(provider) :])
        return tuple(dict.fromkeys(each for each in behind if each != provider))

    def find(self, name: str) -> Found | None:
        if name in self._all and "*" not in name:
            return Found(name, self._all[name], ())
        for pattern in self._patterns:
            captures = captured(pattern, name) if name else None
            if captures is not None:
                return Found(pattern, self._all[pattern], captures)
        return None


def _listed(name: str, targets: tuple[ModelTarget, ...]) -> Alias:
    if not targets:
        raise ValueError(f"no target is given for {name}")
    return Alias(targets=targets)


def _check(name: str, alias: Alias) -> None:
    stars = len(re.findall(r"\*+", name))
    for target in alias.targets:
        unknown = [mark for mark in _CAPTURE.findall(target.model) if not 1 <= int(mark) <= stars]
        if unknown:
            raise ValueError(f"{target.model!r} names {{{unknown[0]}}}, and {name!r} has {stars or 'no'} `*`")


def _chooses(alias: Alias) -> bool:
    return alias.weighted or alias.fit or alias.prefer != "listed" or any(target.when != When() for target in alias.targets)


def _told(target: ModelTarget) -> str:
    when = target.when.model_dump(exclude_defaults=True)
    weight = f" weight {target.weight:g}" if target.weight is not None else ""
    return f"{target.provider}/{target.model}{weight}{f' when {when}' if when else ''}"


def _how(alias: Alias) -> str:
    how = [f"by {alias.sticky}"] if alias.weighted else []
    how += [f"the {alias.prefer}"] if alias.prefer != "listed" else []
    how += ["of those that the request fits"] if alias.fit else []
    return f" ({', '.join(how)})" if how else ""
