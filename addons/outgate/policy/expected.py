"""What a policy may say at one place, in an operator's words: which keys, and which form of value. Read from the types."""

import types
import typing
from collections.abc import Iterable, Iterator
from enum import Enum, EnumType
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, IPvAnyNetwork
from pydantic.fields import FieldInfo

from outgate.policy.source import Place

_PLAIN = {
    str: "text",
    int: "an integer",
    float: "a number",
    bool: "`true` or `false`",
    IPvAnyNetwork: "an address range",
    Any: "a value",
}
_NONE = type(None)
_SEVERAL = (tuple, list, frozenset, set)


class _Default(NamedTuple):
    value: Any


class Form(NamedTuple):
    """A type without its aliases, and what its annotations add: bounds and examples."""

    kind: Any
    notes: tuple[Any, ...] = ()


def forms_at(model: Any, place: Place) -> tuple[Form, ...]:
    """The forms that may stand at a place below a model, or a list of them; those of a union side by side."""
    forms = tuple(_forms(model))
    for step in place:
        forms = tuple(each for form in forms for each in _inside(form.kind, step))
    return forms


def keys_at(model: Any, place: Place) -> frozenset[str]:
    """The keys that may stand in the mapping at a place; none where any may."""
    return frozenset(name for form in forms_at(model, place) if _is_model(form.kind) for name in form.kind.model_fields)


def choices_at(model: Any, place: Place) -> frozenset[str]:
    """The words of which one must stand there; none where it is no such choice."""
    return frozenset(choice for form in forms_at(model, place) for choice in _choices(form.kind) if isinstance(choice, str))


def wanted_at(model: Any, place: Place) -> str:
    """`an integer from 1 to 65535`, `text like …`, `a list of text`: the forms of a place in words."""
    return _either(forms_at(model, place))


def _forms(annotation: Any, notes: tuple[Any, ...] = ()) -> Iterator[Form]:
    if isinstance(annotation, typing.TypeAliasType):
        yield from _forms(annotation.__value__, notes)
    elif typing.get_origin(annotation) is typing.Annotated:
        kind, *added = typing.get_args(annotation)
        yield from _forms(kind, (*notes, *added))
    elif typing.get_origin(annotation) in (typing.Union, types.UnionType):
        for branch in typing.get_args(annotation):
            yield from _forms(branch, notes)
    elif annotation is not _NONE:
        yield Form(annotation, notes)


def _inside(kind: Any, step: str | int) -> Iterator[Form]:
    """The forms of a member or an item."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if _is_model(kind) and step in kind.model_fields:
        field = kind.model_fields[step]
        yield from _forms(field.annotation, (*field.metadata, _Default(field.default)))
    elif origin in _SEVERAL and inner and isinstance(step, int):
        yield from _forms(inner[0])
    elif origin is dict and isinstance(step, str):
        yield from _forms(inner[1])


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _choices(kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, EnumType):
        return tuple(member.value for member in cast("type[Enum]", kind))
    return typing.get_args(kind) if typing.get_origin(kind) is typing.Literal else ()


def _either(forms: Iterable[Form]) -> str:
    return ", or ".join(dict.fromkeys(_words(form) for form in forms))


def _words(form: Form) -> str:
    kind, inner = form.kind, typing.get_args(form.kind)
    origin = typing.get_origin(kind)
    if _choices(kind):
        words = [str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in _choices(kind)]
        return ("one of " if len(words) > 1 else "") + ", ".join(f"`{word}`" for word in words)
    if _is_model(kind):
        return f"a mapping with the keys {_keys(kind)}" if kind.model_fields else "an empty mapping: {}"
    if origin in _SEVERAL:
        return f"a list, `[…]`, of which every item is {_either(_forms(inner[0]))}"
    if origin is dict or kind is dict:
        return "a mapping"
    described = next((note.description for note in form.notes if isinstance(note, FieldInfo) and note.description), "")
    return f"{described or _PLAIN.get(kind, 'a value')}{_bounds(form.notes)}{_example(form.notes)}"


def _keys(model: type[BaseModel]) -> str:
    required = [f"`{name}` (required)" for name, field in model.model_fields.items() if field.is_required()]
    return ", ".join([*required, *(f"`{name}`" for name, field in model.model_fields.items() if not field.is_required())])


def _bounds(notes: tuple[Any, ...]) -> str:
    flat = [note for each in notes for note in (each.metadata if isinstance(each, FieldInfo) else (each,))]
    found = {
        name: getattr(note, name) for note in flat for name in ("ge", "gt", "le", "lt") if getattr(note, name, None) is not None
    }
    low = f"from {found['ge']}" if "ge" in found else f"above {found['gt']}" if "gt" in found else ""
    high = f"up to {found['le']}" if "le" in found else f"below {found['lt']}" if "lt" in found else ""
    return "".join(f" {part}" for part in (low, high) if part)


def _example(notes: tuple[Any, ...]) -> str:
    """A plain default, else an example that the type gives."""
    given = [note.value for note in notes if isinstance(note, _Default) and type(note.value) in (str, int, float) and note.value]
    given += [example for note in notes if isinstance(note, FieldInfo) for example in note.examples or ()]
    return f", `{given[0]}` for example" if given else ""
