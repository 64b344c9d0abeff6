"""Which stages would give a fact that a plan lacks: asked only where one is missing, for the repair."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from outgate.errors import Problem
from outgate.policy.discover import stage_names, stage_type
from outgate.policy.ports import Ports, build_stage
from outgate.policy.scopes import BOUNDARY


def naming_producers(problem: Problem, decided: Mapping[str, Any]) -> Problem:
    """An E_NO_PRODUCER whose repair names the stages that write the fact; any other problem as it is."""
    names = _writers(problem.fact, decided) if problem.code == "E_NO_PRODUCER" else []
    if not names:
        return problem
    listed = " or ".join(f"`{name}`" for name in names)
    other = "".join(f", or remove {name}" for name in problem.stages[:1] if name not in BOUNDARY)
    return replace(problem, repair=f"let this route have {listed}, which gives {problem.fact}{other}")


def _writers(fact: str, decided: Mapping[str, Any]) -> list[str]:
    found = []
    for name in sorted(stage_names()):
        kind = stage_type(name)
        with suppress(Exception):  # one that needs settings to be built cannot be asked
            if fact in build_stage(kind, kind.settings_type(), Ports(), decided).contract.writes:
                found.append(name)
    return found
