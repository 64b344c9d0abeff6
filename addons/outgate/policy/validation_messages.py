"""Translate pydantic validation errors to diagnostics: line, cause, repair.

The repair is read from the JSON Schema of the model: which keys, choices, bounds and examples a place has.
Several errors about one value (of the branches of a union) become one. A value is shown where it is short and nothing like a
credential.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from ipaddress import ip_network
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from outgate.policy import misplaced_keys
from outgate.policy.short_forms import HIDDEN, word, written_out
from outgate.policy.source import Place, Source

type Schema = Mapping[str, Any]

_NAMES = "use letters, digits, dots, dashes and underscores, at most 63, a letter or digit first"
_TYPES = {
    "string": "text", "integer": "an integer", "number": "a number", "boolean": "`true` or `false`",
    "ipvanynetwork": "an address range, `10.0.0.0/8` for example",
}  # fmt: skip
_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean"}
_SHORT = {"string_pattern_mismatch": "does not fit here", "missing": "has too few items"}
_LONGEST = 40
_RANDOM = re.compile(r"(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{12,}|[A-Za-z0-9+/=_]{24,}")
"""What a credential may look like, whoever gave it."""
_KEEPS_SECRETS = frozenset({"credential", "token_hashes", "secret", "placeholders", "headers"})
"""Keys under which a credential may have been written in the wrong place."""
_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "up to", "exclusiveMaximum": "below"}


class Message(NamedTuple):
    """One thing wrong. `kind` is `unknown`, `missing` or `value`."""

    kind: str
    place: Place
    text: str
    repair: str


def validation_messages(
    source: Source, model: Any, error: ValidationError, at: tuple[Place, ...] = ((),), see: str = "policy"
) -> Iterator[Message]:
    """Everything that `model`, or a list of models, refuses; `see` names the page of the reference on it.

    `at` are the places where it stands, in parts: what is wrong is told where it is written.
    """
    forms = _forms_of(model)
    told: dict[tuple[Any, ...], Message] = {}
    for each in error.errors(include_url=False, include_input=False, include_context=False):
        base, place = max(
            ((base, _place(source, base, each["loc"])) for base in at), key=lambda found: len(found[1]) - len(found[0])
        )
        kind, text, repair = _message(forms, source, place, len(base), str(each["loc"][-1]), each["type"], each["msg"], see)
        told.setdefault((kind, text if kind == "missing" else "", place), Message(kind, place, text, repair))
    places = [each.place for each in told.values()]
    yield from (each for each in told.values() if each.kind != "value" or not _is_around(each.place, places))


def _place(source: Source, at: Place, loc: Place) -> Place:
    """Where it stands in the file; pydantic's location also holds names of union branches, which stand in no file."""
    for step in loc:
        at = (*at, step) if (*at, step) in source.lines else at
    return at


def _is_around(place: Place, others: Iterable[Place]) -> bool:
    """Whether this only says that a union's other branch does not fit: something inside it is wrong."""
    return any(len(each) > len(place) and each[: len(place)] == place for each in others)


def _message(
    forms: "_Forms", source: Source, place: Place, depth: int, last: str, kind: str, cause: str, see: str
) -> tuple[str, str, str]:
    within, where = place[depth:], _text(place)
    if kind == "extra_forbidden":
        around = f"of `{_text(place[:-1])}`" if place[1:] else "at the top of a policy"
        return "unknown", f"`{last}` is not a key {around}", misplaced_keys.repair(last, place[:-1], forms.keys(within[:-1]))
    if kind == "missing" and not last.isdigit():
        return "missing", f"{_text((*place, last))}: this key is required", f"add `{last}`: {forms.wanted((*within, last))}"
    if last == "[key]":
        return "value", f"{where}: this cannot be a name here", _NAMES
    if kind in {"value_error", "assertion_error"}:
        section = next((f"{form['title']} in " for form in forms.at(within) if "properties" in form), "")
        return "value", f"{where}: {cause.partition(', ')[2]}", f"see {section}docs/reference/{see}.md"
    value, shown = source.at(place), _shown(source.at(place), place)
    text = f"{where}: {shown} {_cause(kind, cause)}"
    if out := written_out(place, value, shown, kind) or forms.listed(within, value, shown):
        return "value", text, f"write `{out}`"
    return "value", *_value(forms, value, within, kind, text)


def _cause(kind: str, cause: str) -> str:
    """pydantic's words, without what the repair says better."""
    if kind in _SHORT:
        return _SHORT[kind]
    cause = cause.partition(" or instance of")[0].partition(", unable to parse")[0]
    return cause.removeprefix("Input ").removeprefix("String ").replace("dictionary", "mapping").replace("tuple", "list")


def _shown(value: Any, place: Place) -> str:
    """The value that is meant, in quotes; a word for it where it is long, or could be a credential."""
    if isinstance(value, bool | int | float):
        return str(value).lower()
    plain = isinstance(value, str) and len(value) <= _LONGEST and value.isprintable() and not _RANDOM.search(value)
    return repr(value) if plain and not _KEEPS_SECRETS.intersection(place) else HIDDEN


def _value(forms: "_Forms", value: Any, place: Place, kind: str, text: str) -> tuple[str, str]:
    """The text and the repair of a value of the wrong form."""
    wanted, choices = forms.wanted(place), forms.choices(place)
    if kind == "ip_any_network" and (network := _network_of(value)):
        return f"{text}: {value} has bits set beyond its prefix", f"write {network}"
    if not isinstance(value, str) and str(value) in choices:
        return text, f'write it in quotes, "{value}": without them it is read as a number'
    spelt = {choice.lower(): choice for choice in choices}
    near = spelt.get(nearest(value.lower(), frozenset(spelt))) if isinstance(value, str) else ""
    return text, f"did you mean `{near}`?" if near else f"write {wanted}{', or remove the key' if value is None else ''}"


def nearest(name: str, names: frozenset[str]) -> str:
    """What was probably meant: the nearest, else the only one that begins so; empty where nothing is near."""
    begun = [each for each in sorted(names) if len(name) > 2 and each.startswith(name)]
    near = get_close_matches(name, sorted(names), n=1) or (begun if len(begun) == 1 else [])
    return near[0] if near else ""


def _network_of(value: Any) -> str:
    """The range around an address with host bits; empty where it is none."""
    try:
        return str(ip_network(value, strict=False)) if isinstance(value, str) else ""
    except ValueError:
        return ""


def _text(place: Place) -> str:
    return ".".join(map(str, place))


@cache
def _forms_of(model: Any) -> "_Forms":
    return _Forms(TypeAdapter(model).json_schema())


class _Forms:
    """The forms that may stand at a place below a model, in the words of its JSON Schema; those of a union side by side."""

    def __init__(self, schema: Schema) -> None:
        self._schema, self._defs = schema, schema.get("$defs", {})

    def at(self, place: Place) -> list[Schema]:
        forms = list(self._branches(self._schema))
        for step in place:
            forms = [branch for form in forms for inner in _inside(form, step) for branch in self._branches(inner)]
        return forms

    def keys(self, place: Place) -> frozenset[str]:
        return frozenset(key for form in self.at(place) for key in form.get("properties", ()))

    def choices(self, place: Place) -> frozenset[str]:
        return frozenset(each for form in self.at(place) for each in _choices(form) if isinstance(each, str))

    def listed(self, place: Place, value: Any, shown: str) -> str:
        """The value as the one item of the list that belongs here; empty where it would be none."""
        lists, items = self.at(place), self.at((*place, 0))
        if len(lists) != 1 or lists[0].get("type") != "array" or "prefixItems" in lists[0]:
            return ""
        if isinstance(value, dict):
            return "[{…}]" * bool(self.keys((*place, 0)) & value.keys())
        choices, types = self.choices((*place, 0)), {each.get("type") for each in items}
        fits = value in choices if choices else _KINDS.get(type(value), "") in types
        return f"[{word(value, shown)}]" if fits and not isinstance(value, list) and shown != HIDDEN else ""

    def wanted(self, place: Place) -> str:
        """`an integer from 1 up to 65535`, `text like …`, `a list of text`: the forms of a place in words."""
        return ", or ".join(dict.fromkeys(map(self._words, self.at(place))))

    def _branches(self, schema: Schema) -> Iterator[Schema]:
        if "$ref" in schema:
            named = self._defs[schema["$ref"].rpartition("/")[2]]
            yield from self._branches(named | {key: schema[key] for key in ("default",) if key in schema})
        elif "anyOf" in schema:
            yield from (branch for each in schema["anyOf"] for branch in self._branches(each))
        elif schema.get("type") != "null":
            yield schema

    def _words(self, form: Schema) -> str:
        if choices := [str(each).lower() if isinstance(each, bool) else str(each) for each in _choices(form)]:
            return f"{'one of ' if choices[1:] else ''}{', '.join(f'`{each}`' for each in choices)}"
        if form.get("type") == "array":
            items = dict.fromkeys(self._words(each) for item in _items(form) for each in self._branches(item))
            number = f" of {len(form['prefixItems'])}" if "prefixItems" in form else ""
            return f"a list{number}, `[…]`, of which every item is {', or '.join(items)}"
        if form.get("type") == "object":
            return (
                f"a mapping{_keys(form)}"
                if form.get("additionalProperties") is not False or _keys(form)
                else "an empty mapping: {}"
            )
        described = "" if "title" in form else form.get("description", "")  # of a type, not of the key that has it
        bounds = "".join(f" {word} {form[bound]:g}" for bound, word in _BOUNDS.items() if bound in form)
        kind = _TYPES.get(form.get("format", form.get("type")), "a value")
        pattern = f" of the form `{form['pattern']}`" if "pattern" in form else ""
        return f"{described or kind + pattern}{bounds}{_example(form)}"


def _inside(form: Schema, step: str | int) -> Iterator[Schema]:
    """The forms of a member or an item."""
    if isinstance(step, int):
        yield from _items(form)
    elif step in form.get("properties", ()):
        yield form["properties"][step]
    else:
        others = [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]
        yield from (each for each in others if isinstance(each, dict))


def _items(form: Schema) -> list[Schema]:
    return form.get("prefixItems") or [form[each] for each in ("items",) if isinstance(form.get(each), dict)]


def _choices(form: Schema) -> list[Any]:
    return form.get("enum") or ([form["const"]] if "const" in form else [])


def _keys(form: Schema) -> str:
    required = form.get("required", ())
    named = sorted(form.get("properties", ()), key=lambda name: name not in required)
    keys = ", ".join(f"`{name}`{' (required)' if name in required else ''}" for name in named)
    return f" with the keys {keys}" if keys else ""


def _example(form: Schema) -> str:
    """A plain default, else an example that the type gives."""
    given = [each for each in (form.get("default"), *form.get("examples", ())) if type(each) in (str, int, float) and each]
    return f", `{given[0]}` for example" if given else ""
