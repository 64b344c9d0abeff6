"""Which stages there are: a stage is a module of `outgate.stages`, imported only where a policy uses it."""

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module

import outgate.stages
from outgate.pipeline.stage import Stage


@cache
def stage_names() -> frozenset[str]:
    """The names of all stages, found without importing them."""
    return frozenset(module.name for module in pkgutil.iter_modules(outgate.stages.__path__))


@cache
def stage_type(name: str) -> type[Stage]:
    """The stage of this name. Raises LookupError where there is none, or where its module does not hold exactly one."""
    if name not in stage_names():
        raise LookupError(name)
    module = import_module(f"outgate.stages.{name}")
    found = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Stage) and each.__module__ == module.__name__ and "name" in vars(each)
    ]
    if len(found) != 1 or found[0].name != name:
        raise LookupError(f"outgate.stages.{name} does not hold exactly one stage of that name")
    return found[0]


def nearest(name: str, names: frozenset[str]) -> str:
    """What was probably meant: the nearest, else the only one that begins so; empty where nothing is near."""
    begun = [each for each in sorted(names) if len(name) > 2 and each.startswith(name)]
    near = get_close_matches(name, sorted(names), n=1) or (begun if len(begun) == 1 else [])
    return near[0] if near else ""
