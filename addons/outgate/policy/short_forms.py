"""Say how a short form is written out: one word where a mapping stands, one item where a list of them does."""

import re
from collections.abc import Mapping

from outgate.policy.source import Place

_WRITTEN_OUT = {
    "providers.NAME": "{host: VALUE}",
    "providers.NAME.credential": "{env: NAME}` with the name of the variable that holds the key, or `{file: PATH}",
    "providers.NAME.endpoints.N": "{address: VALUE}",
    "providers.NAME.tls": "{enabled: VALUE}",
    "providers.NAME.timeouts": "{total: VALUE}",
    "routes.N.match": "{paths: [VALUE]}",
    "routes.N.retry": "{attempts: VALUE}",
    "stages.NAME": "{}` for what it does by itself, or `false",
    "stages.authorize.allow.N": "{providers: [VALUE]}",
    "stages.authorize_model.allow.N": "{models: [VALUE]}",
    "stages.model_map.models.NAME.N": "{provider: PROVIDER, model: VALUE}",
    "workloads.NAME": "{}`, and give it a token with `outgate workload rotate NAME",
}
"""Place to what is written there; VALUE is what stood there alone."""
_FORMS: Mapping[Place, str] = {tuple(place.split(".")): form for place, form in _WRITTEN_OUT.items()}
_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._/:-]*")
"""Text that needs no quotes."""
HIDDEN = "this value"
"""Stands for a value that is not told."""
_LISTED = frozenset({"list_type", "tuple_type", "frozen_set_type"})
_MAPPED = frozenset({"model_type", "model_attributes_type", "dict_type", "mapping_type"})


def written_out(place: Place, value: object, shown: str, kind: str) -> str:
    """What to write for a value that is too short; empty where nothing is known. `kind` is pydantic's error, `shown` the value as
    it may be told, in quotes where it is text.
    """
    if isinstance(value, dict | list):
        return ""
    item = _form((*place, 0), word(value, shown)) if kind in _LISTED else ""
    form = f"[{item}]" if item else _form(place, word(value, shown)) if kind in _MAPPED else ""
    return "" if HIDDEN in form else form


def word(value: object, shown: str) -> str:
    """A value as YAML takes it, in quotes where it needs them."""
    text = shown.strip("'")
    return f'"{text}"' if isinstance(value, str) and not _PLAIN.fullmatch(text) else text


def _form(place: Place, shown: str) -> str:
    """The form of this place, stages of a narrower scope included."""
    inner = place[place.index("stages") :] if "stages" in place else place
    fits = (form for each, form in _FORMS.items() if len(each) == len(inner) and all(map(_is, each, inner)))
    return min(fits, key=lambda form: "`" in form, default="").replace("VALUE", shown)


def _is(any_step: str | int, step: str | int) -> bool:
    return any_step == step or any_step == ("N" if isinstance(step, int) else "NAME")
