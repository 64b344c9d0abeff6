"""Bindings of secrets to destinations: who may use one, and for which methods and paths, as frozen values."""

from dataclasses import dataclass
from typing import NamedTuple

from outgate.inference.principal import Principal
from outgate.net.patterns import covers


class Scope(NamedTuple):
    """Requests by method and path. No method stands for all; in patterns of paths `*` is anything but a slash, `**` anything."""

    methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ("**",)

    def takes(self, method: str, path: str) -> bool:
        """Whether it covers a request; `path` is without query, as it is sent."""
        return (not self.methods or method in self.methods) and covers(self.paths, path)

    def __str__(self) -> str:
        return f"{', '.join(self.methods) or 'every method'} {', '.join(self.paths)}"


class Holders(NamedTuple):
    """Workloads by name and by group; with neither, every one."""

    workloads: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def has(self, principal: Principal) -> bool:
        every = not self.workloads and not self.groups
        return every or principal.name in self.workloads or not principal.groups.isdisjoint(self.groups)

    def __str__(self) -> str:
        return ", ".join((*self.workloads, *(f"group {name}" for name in self.groups))) or "every workload"


EVERYONE, EVERYTHING = Holders(), Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """A text that a workload holds in place of a credential of one backend, and where the credential may be put in for it.

    `fields` are header fields (lower case) and `query` parameters of the target in which it may stand; `body` says that it may
    stand in the body. Requests in one of `excluded` never get the credential.
    """

    name: str
    text: str
    holders: Holders = EVERYONE
    scope: Scope = EVERYTHING
    excluded: tuple[Scope, ...] = ()
    fields: tuple[str, ...] = ("authorization",)
    query: tuple[str, ...] = ()
    body: bool = False

    def takes(self, principal: Principal, method: str, path: str) -> bool:
        """Whether this workload may use it for this request."""
        included = self.scope.takes(method, path) and not any(each.takes(method, path) for each in self.excluded)
        return included and self.holders.has(principal)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThrough:
    """Workloads whose own token goes on to one backend: the value of `field`, behind its scheme, begins with one of `prefixes`
    (any, where there is none). The fields of `also` go with it.
    """

    holders: Holders
    scope: Scope = EVERYTHING
    field: str = "authorization"
    prefixes: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
