"""Rules about workloads and models: whom a rule covers, and which models it allows."""

from collections.abc import Iterable

from pydantic import Field

from outgate.inference.names import GroupName, ModelPattern, ProviderName, WorkloadName
from outgate.inference.principal import Principal
from outgate.net.patterns import covers
from outgate.pipeline.stage import Settings


class Who(Settings):
    """The workloads a rule is about: those named, and those in a group named. With neither, every authenticated workload."""

    workloads: tuple[WorkloadName, ...] = ()
    """Names from the policy's `workloads`."""
    groups: tuple[GroupName, ...] = ()
    """Groups of workloads."""

    def covers(self, principal: Principal) -> bool:
        if not self.workloads and not self.groups:
            return True
        return principal.name in self.workloads or not principal.groups.isdisjoint(self.groups)


class ModelRule(Who):
    """Who may call which models, where."""

    models: tuple[ModelPattern, ...] = Field(default=("**",))
    """Model names; `*` stands for anything but a slash, `**` for anything."""
    providers: tuple[ProviderName, ...] = ()
    """Names from the policy's `providers`; empty stands for all."""

    def allows(self, principal: Principal, provider: str, model: str) -> bool:
        return self.reaches(principal, provider) and covers(self.models, model)

    def reaches(self, principal: Principal, provider: str) -> bool:
        """Whether it allows this workload any model of that provider."""
        return (not self.providers or provider in self.providers) and self.covers(principal)


_TOLD = 8


def listed(names: Iterable[str]) -> str:
    """What a denial says is allowed: the first of these names, and how many more there are."""
    known = sorted(set(names))
    more = f" and {len(known) - _TOLD} more" if known[_TOLD:] else ""
    return (", ".join(known[:_TOLD]) or "none") + more
