"""Warn of stages that requests pass when what they ask fails: every `on_error: open` in their settings, at whatever depth.

A guard whose contract says so is told by the compiler; here are the stages that answer a failure themselves, or judge nothing.
"""

from collections.abc import Iterator

from pydantic import BaseModel

from outgate.errors import Problem
from outgate.pipeline.contract import OnError
from outgate.pipeline.stage import Stage

_KEY = "on_error"


def failing_open(stage: Stage, settings: BaseModel) -> Iterator[tuple[tuple[str, ...], Problem]]:
    """A warning for each place in the settings of a stage that says `on_error: open`, and the place."""
    told = stage.contract.on_error is not OnError.DENY and any(fact.startswith("verdict.") for fact in stage.contract.writes)
    for place in _open(settings):
        if told and place == (_KEY,):
            continue
        message = f"requests pass {stage.name} when what it asks fails (`{'.'.join(place)}: open`)"
        yield place, Problem(code="W_FAIL_OPEN", message=message, repair=f"set `{'.'.join(place)}: deny`", stages=(stage.name,))


def _open(settings: BaseModel) -> Iterator[tuple[str, ...]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if name == _KEY and value == OnError.OPEN:
            yield (name,)
        yield from ((name, *place) for place in _below(value))


def _below(value: object) -> Iterator[tuple[str, ...]]:
    if isinstance(value, BaseModel):
        yield from _open(value)
    elif isinstance(value, dict):
        yield from ((str(key), *place) for key, each in value.items() for place in _below(each))
    elif isinstance(value, list | tuple):
        yield from ((str(at), *place) for at, each in enumerate(value) for place in _below(each))
