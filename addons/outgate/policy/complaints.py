"""How pydantic's complaints are told to an operator: where in the file, what is expected there, and what mends it.

Several complaints about one value (of the branches of a union) become one. Values are never shown, but an address range: anything
else might be a credential.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import Any, NamedTuple

from pydantic import ValidationError

from outgate.policy.discover import nearest, stage_names
from outgate.policy.expected import choices_at, forms_at, keys_at, wanted_at
from outgate.policy.source import Place, Source

_FOUND = {
    str: "this text",
    bool: "`true` or `false`",
    int: "this number",
    float: "this number",
    list: "a list",
    dict: "a mapping",
    type(None): "nothing",
}
_MEANT = {
    "provider": "destinations",
    "providers": "destinations",
    "api_key": "credential",
    "key": "credential",
    "url": "host",
    "base_url": "host",
    "type": "dialect",
    "token": "token_hashes",
    "tokens": "limits",
}
"""Words of other gateways, and what they are called here."""
_NAMES = "use letters, digits, dots, dashes and underscores, at most 63, a letter or digit first"
_OWN_WORDS = frozenset({"value_error", "assertion_error"})


class Complaint(NamedTuple):
    """One thing wrong. `kind` is `unknown`, `missing` or `value`; `place` is where it stands in the file."""

    kind: str
    place: Place
    message: str
    repair: str


def complaints(source: Source, model: Any, error: ValidationError, at: Place = (), see: str = "policy") -> Iterator[Complaint]:
    """Everything that `model`, or a list of models, refuses at the place `at`; `see` names the page of the reference on it."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    told: dict[Place, Complaint] = {}
    for each in found:
        telling = _Telling(source, model, at, each["loc"])
        complaint = telling.of(each["type"], each["msg"], see)
        told.setdefault((complaint.kind, complaint.message if complaint.kind == "missing" else "", *complaint.place), complaint)
    yield from (each for each in told.values() if each.kind != "value" or not _is_around_another(each, told.values()))


def _is_around_another(one: Complaint, others: Iterable[Complaint]) -> bool:
    """Whether this only says that a union's other branch does not fit: something inside it is wrong."""
    return any(len(each.place) > len(one.place) and each.place[: len(one.place)] == one.place for each in others)


class _Telling:
    """One complaint of pydantic's, whose location may hold names of union branches, which stand in no file."""

    def __init__(self, source: Source, model: Any, at: Place, loc: Place) -> None:
        self._source, self._model, self._last = source, model, loc[-1]
        self._place = at
        for step in loc:
            if (*self._place, step) in source.lines:
                self._place = (*self._place, step)
        self._within = self._place[len(at) :]

    def of(self, kind: str, message: str, see: str) -> Complaint:
        if kind == "extra_forbidden":
            return Complaint("unknown", self._place, *self._unknown())
        if kind == "missing":
            repair = f"add `{self._last}`: {wanted_at(self._model, (*self._within, self._last))}"
            return Complaint("missing", self._place, f"{_text((*self._place, self._last))}: this key is required", repair)
        where = _text(self._place)
        if self._last == "[key]":
            return Complaint("value", self._place, f"{where}: this cannot be a name here", _NAMES)
        if kind in _OWN_WORDS:
            page = f"see {self._section()}docs/reference/{see}.md"
            return Complaint("value", self._place, f"{where}: {message.partition(', ')[2]}", page)
        return Complaint("value", self._place, f"{where}: {self._wrong()}", self._repair())

    def _unknown(self) -> tuple[str, str]:
        name, around = str(self._last), self._place[:-1]
        keys = keys_at(self._model, self._within[:-1])
        message = f"`{name}` is not a key {f'of `{_text(around)}`' if around else 'at the top of a policy'}"
        meant = _MEANT.get(name, "")
        near = meant if meant in keys else nearest(name, keys)
        if near:
            return message, f"did you mean `{near}`?"
        if name in stage_names():
            return message, f"{name} is a stage: write it under `stages`"
        return message, f"remove it; known here: {', '.join(sorted(keys)) or 'no key at all'}"

    def _wrong(self) -> str:
        value = self._source.at(self._place)
        network = _network_of(value) if self._is_network() else ""
        if network:
            return f"{value} has bits set beyond its prefix, so that it is not clear which range is meant"
        if self._is_network() and isinstance(value, str):
            return "this is no address range"
        return f"{_FOUND.get(type(value), 'this')} does not fit here"

    def _repair(self) -> str:
        value = self._source.at(self._place)
        choices = choices_at(self._model, self._within)
        network = _network_of(value) if self._is_network() else ""
        if network:
            return f"write {network}"
        if str(value) in choices:
            return f'write it in quotes, "{value}": without them it is read as a number'
        spelt = {choice.lower(): choice for choice in choices}
        near = spelt.get(nearest(value.lower(), frozenset(spelt))) if isinstance(value, str) else ""
        if value is None:
            return f"write {wanted_at(self._model, self._within)}, or remove the key"
        return f"did you mean `{near}`?" if near else f"write {wanted_at(self._model, self._within)}"

    def _is_network(self) -> bool:
        return any(getattr(form.kind, "__name__", "") == "IPvAnyNetwork" for form in forms_at(self._model, self._within))

    def _section(self) -> str:
        models = [form.kind.__name__ for form in forms_at(self._model, self._within) if hasattr(form.kind, "model_fields")]
        return f"{models[0]} in " if models else ""


def _network_of(value: Any) -> str:
    """The range around an address with host bits; empty where it is none."""
    if not isinstance(value, str):
        return ""
    try:
        return str(ip_network(value, strict=False))
    except ValueError:
        return ""


def _text(place: Place) -> str:
    return ".".join(map(str, place))
