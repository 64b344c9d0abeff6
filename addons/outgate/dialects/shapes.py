"""Shapes of answers: which of their members may be left out where a server gives them a type that they do not have.

Compatible servers do. What hangs on no text and on no call of a tool must cost neither; what does is kept as it came, for its
reader to refuse.
"""

from collections.abc import Mapping
from typing import Any


class Spare(dict[str, "Shape"]):
    """The shape of an object that can be left out as a whole."""


type Shape = type | tuple[type, ...] | dict[str, "Shape"] | list["Shape"] | Ways
"""A type, or several: a value of another one is left out. A dictionary is an object on the way to a text or to a call, `Ways` an
array of those: both stay whatever they are. A list is an array of what can be left out, as can it.
"""


class Ways:
    """An array on the way to a text or to a call, each element of this shape."""

    __slots__ = ("shape",)

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


_GONE = object()


def fitting(tree: Mapping[str, Any], shape: Mapping[str, Shape]) -> Mapping[str, Any]:
    """The tree without the members of other types; itself where all fit, as usual."""
    changed: dict[str, Any] = {}
    for name, given in tree.items():
        inner = shape.get(name)
        if inner is not None and given is not None and (value := _fitting(given, inner)) is not given:
            changed[name] = value
    return {name: value for name, value in {**tree, **changed}.items() if value is not _GONE} if changed else tree


def _fitting(value: Any, shape: Shape) -> Any:
    if isinstance(shape, type | tuple):
        return value if isinstance(value, shape) else _GONE
    if isinstance(shape, dict):
        return fitting(value, shape) if value.__class__ is dict else _GONE if isinstance(shape, Spare) else value
    if isinstance(shape, Ways):
        return _each(value, shape.shape) if value.__class__ is list else value
    return _each(value, shape[0]) if value.__class__ is list else _GONE


def _each(values: list[Any], shape: Shape) -> list[Any]:
    kept = [_fitting(value, shape) for value in values]
    if all(one is other for one, other in zip(kept, values, strict=True)):
        return values
    return [value for value in kept if value is not _GONE]
