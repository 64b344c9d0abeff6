"""Find a stage by its name and construct it with the ports that it asks for.

A stage is a module of `outgate.stages`, imported only where a policy uses it. Stages that share settings are a package: the
package `cache` holds the stage `cache`, its module `record` the stage `cache_record`. A stage asks for a port by the name of a
constructor parameter: the caller makes ports once per process, the policy adds what it decides itself.
"""

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib import import_module
from typing import Any

import outgate.stages
from outgate.model_server.accounted import AccountedModels
from outgate.pipeline.stage import Settings, Stage

RENAMED = {"meter": "close_exchange", "translate": "encode_request"}
"""Former names of stages, to be told in a repair."""


@cache
def _modules() -> Mapping[str, str]:
    """Stage names to names of modules."""
    found: dict[str, str] = {}
    for module in pkgutil.iter_modules(outgate.stages.__path__):
        found[module.name] = f"outgate.stages.{module.name}"
        inner = [f"{path}/{module.name}" for path in outgate.stages.__path__] if module.ispkg else []
        found |= {f"{module.name}_{each.name}": f"outgate.stages.{module.name}.{each.name}" for each in pkgutil.iter_modules(inner)}
    return found


def stage_names() -> frozenset[str]:
    """The names of all stages, found without importing them."""
    return frozenset(_modules())


@cache
def stage_type(name: str) -> type[Stage]:
    """The stage of this name. Raises LookupError where there is none, or where its module does not hold exactly one."""
    if name not in _modules():
        raise LookupError(name)
    module = import_module(_modules()[name])
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Stage) and each.__module__ == module.__name__ and "name" in vars(each)
    ]
    if len(found) != 1 or found[0].name != name:
        raise LookupError(f"{module.__name__} does not hold exactly one stage of that name")
    return found[0]


@dataclass(frozen=True, slots=True)
class NullPort:
    """Null object for a port, to compile a policy without running it. Anything asked of it is a NullPort again."""

    name: str

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return NullPort(f"{self.name}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The ports of a process. `catalog`, `workloads`, `embedders`, `models`, `allowed` and `revision` come from the policy and are
    not among them.
    """

    accounts: Any = NullPort("accounts")
    answers: Any = NullPort("answers")
    flights: Any = NullPort("flights")
    model_server: Any = NullPort("model_server")
    memo: Any = NullPort("memo")
    client: Any = NullPort("client")
    credentials: Any = NullPort("credentials")
    tokenizers: Any = NullPort("tokenizers")
    prices: Any = NullPort("prices")
    latencies: Any = NullPort("latencies")
    metrics: Any = NullPort("metrics")
    notices: Any = None
    refusals: Any = None
    state_secret: Any = NullPort("state_secret")
    refused: Any = NullPort("refused")
    replicas: Any = NullPort("replicas")
    congestion: Any = NullPort("congestion")
    wall: Callable[[], float] = NullPort("wall")
    documents: Any = NullPort("documents")
    monotonic: Callable[[], float] = NullPort("monotonic")
    ids: Callable[[], str] = NullPort("ids")


class UnknownPortError(LookupError):
    """A stage asks for something that is no port: a mistake in the stage, not in the policy."""


def ports_of(kind: type[Stage]) -> dict[str, inspect.Parameter]:
    """The ports a stage asks for, by name."""
    return {name: parameter for name, parameter in inspect.signature(kind).parameters.items() if name != "settings"}


def needs_model_server(stages: Iterable[Stage]) -> bool:
    """Whether any of these stages asks the model server."""
    return any(stage.asks for stage in stages)


def models_asked(stages: Iterable[Stage]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What these stages ask the model server, each model with its options once."""
    return tuple(dict.fromkeys(asked for stage in stages for asked in stage.asks))


def build_stage(kind: type[Stage], settings: Settings, ports: Ports, decided: Mapping[str, Any]) -> Stage:
    """The stage, with the settings and ports that its constructor names. Raises UnknownPortError."""
    offered = {each.name: getattr(ports, each.name) for each in fields(ports)} | dict(decided)
    given: dict[str, Any] = {}
    for name, parameter in ports_of(kind).items():
        if name in offered:
            given[name] = offered[name]
        elif parameter.default is inspect.Parameter.empty:
            raise UnknownPortError(f"the stage {kind.name} asks for {name}, which is no port")
    if "model_server" in given:
        given["model_server"] = AccountedModels(given["model_server"], kind.name, ports.monotonic)
    if "settings" in inspect.signature(kind).parameters:
        given["settings"] = settings
    return kind(**given)
