"""Say where a key belongs that is not one where it stands: at another level of the policy, or under another word.

Places are those of the policy's JSON Schema, stages' settings included; `NAME` is any name, `N` any item. Of several, those are
meant that share most with where the key was written, then those nearest to the top.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple

from outgate.policy.other_words import MEANT, SAID, SAID_AT
from outgate.policy.reference import policy_schema
from outgate.policy.source import Place
from outgate.policy.stage_types import stage_names, stage_type

type Schema = Mapping[str, Any]

_FEW, _DEEPEST, _BESIDE = 3, 7, 2
"""Places of a key that are told, levels of mappings that are searched, and how far below a singular or plural is meant."""
_SPELT, _LIKE = 0.85, 0.7
"""From which likeness on a key was misspelt, and from which on it may have been."""
_WORD, _SAME, _NUMBER = 3, 2, 1
"""How a place is found: by another word for it, by the key as written, by its singular or plural."""


class _Found(NamedTuple):
    """A place that may be meant. `shared` counts the steps that it and where the key was written begin with."""

    shared: int
    how: int
    shallow: int
    place: Place


def repair(name: str, here: Place, keys: frozenset[str]) -> str:
    """What mends `name`, which stands in the mapping `here` and is none of its `keys`."""
    keys = frozenset(key for key in keys if key.islower())  # the words of Gateway API are taken, and not proposed
    is_stage = name in stage_names()
    if said := _said_at(name.lower(), here):
        return said
    if near := _like(name, keys, _SPELT):
        return f"did you mean `{near}`?{f' {name} is also a stage, written under `stages`' if is_stage else ''}"
    if is_stage:
        return f"{name} is a stage: write it under `stages`"
    if said := elsewhere(name, here):
        return said
    near = _like(name, keys, _LIKE)
    return f"did you mean `{near}`?" if near else f"remove it; known here: {', '.join(sorted(keys)) or 'no key at all'}"


def elsewhere(name: str, here: Place) -> str:
    """Where that is said which was written as `name` in the mapping `here`; empty where nothing is known of it."""
    outer = here[: here.index("stages")] if "stages" in here else ()
    found = sorted(_found(name.lower(), here[len(outer) :]), reverse=True, key=lambda each: each[:3])
    best = [each for each in found if each[:3] == found[0][:3]]
    said = SAID.get(name.lower(), "")
    if not best or len(best) > _FEW or (said and not best[0].shared):
        return said
    return _told(name, here, [_named(each, here, outer) for each in best])


def _said_at(name: str, here: Place) -> str:
    """What is said of this word in this mapping, in a narrower scope too; empty where nothing is."""
    inner = here[here.index("stages") :] if "stages" in here else here
    return next(
        (said[name] for place, said in SAID_AT.items() if name in said and _shared(place, inner) == len(place) == len(inner)), ""
    )


def _told(name: str, here: Place, places: list[Place]) -> str:
    if places[0][-1] == name:
        return f"`{name}` belongs {' or '.join(f'under `{_text(each[:-1])}`' if each[1:] else 'at the top' for each in places)}"
    if places[0][:-1] == here:
        return f"did you mean `{places[0][-1]}`?"
    return f"here this is {' or '.join(f'`{_text(each)}`' for each in places)}"


def _found(name: str, here: Place) -> Iterator[_Found]:
    """Every place where what is meant may stand."""
    number = (f"{name}s", f"{name}es", name.removesuffix("s"))
    words = [tuple(place.split(".")) for place in MEANT.get(name, ())]
    others = [place for each in number if each != name for place in places().get(each, ())]
    for how, stand in ((_WORD, words), (_SAME, places().get(name, ())), (_NUMBER, others)):
        for place in stand:
            shared = _shared(place[:-1], here)
            if _shared(place, here) < len(place) and (how != _NUMBER or (shared == len(here) and len(place) - shared <= _BESIDE)):
                yield _Found(shared, how, -len(place), place)


def _shared(place: Place, here: Place) -> int:
    """How many steps both begin with; another stage has nothing in common."""
    alike = [
        any_step == step or any_step == ("N" if isinstance(step, int) else "NAME")
        for any_step, step in zip(place, here, strict=False)
    ]
    count = [*alike, False].index(False)
    return 0 if count == 1 and here[1:] and here[0] == "stages" else count


def _named(found: _Found, here: Place, outer: Place) -> Place:
    """The place as this file calls it, as far as it holds what was written."""
    return (*here[: len(outer) + found.shared], *found.place[found.shared :]) if found.shared else found.place


def _like(name: str, keys: frozenset[str], cutoff: float) -> str:
    return next(iter(get_close_matches(name, sorted(keys), n=1, cutoff=cutoff)), "")


def _text(place: Place) -> str:
    return ".".join(map(str, place))


@cache
def places() -> Mapping[str, list[Place]]:
    """Every key that a policy may hold, with the places where it may stand; the first stage of those that share settings."""
    schema = policy_schema()
    shared = _shared_settings()
    found: dict[str, list[Place]] = defaultdict(list)
    level: list[tuple[Place, Schema]] = [((), schema)]
    for _ in range(_DEEPEST):
        members = [each for place, form in level for each in _members(place, form) if each[0][:2] not in shared]
        for place in dict.fromkeys(place for place, _ in members if place[-1] not in ("NAME", "N")):
            found[str(place[-1])].append(place)
        inner = [each for each in members if each[0][-1] != "stages" or not each[0][1:]]
        level = [(place, branch) for place, each in inner for branch in _branches(each, schema["$defs"])]
    return found


def _shared_settings() -> frozenset[Place]:
    """Stages whose settings are those of another."""
    names = sorted(stage_names(), key=lambda name: (len(name), name))
    first = {stage_type(name).settings_type: name for name in reversed(names)}
    return frozenset(("stages", name) for name in names if name not in first.values())


def _members(place: Place, form: Schema) -> Iterator[tuple[Place, Schema]]:
    yield from (((*place, name), each) for name, each in form.get("properties", {}).items())
    others = [*form.get("patternProperties", {}).values(), form.get("additionalProperties")]
    yield from (((*place, "NAME"), each) for each in others if isinstance(each, dict))
    if isinstance(form.get("items"), dict):
        yield (*place, "N"), form["items"]


def _branches(schema: Schema, definitions: Schema) -> Iterator[Schema]:
    if "$ref" in schema:
        yield from _branches(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    elif "anyOf" in schema:
        yield from (branch for each in schema["anyOf"] for branch in _branches(each, definitions))
    else:
        yield schema
