import pytest
from pydantic import TypeAdapter, ValidationError

from outgate.routing.targets import Alias, Aliases, ModelTarget

WRITTEN = TypeAdapter(dict[str, tuple[ModelTarget, ...] | Alias])


def aliases(**written):
    return Aliases(WRITTEN.validate_python({name: [{"provider": "p", "model": model}] for name, model in written.items()}))


@pytest.mark.parametrize(
    ("asked", "model"),
    [
        ("gpt-5", "exact"),
        ("gpt-5-mini", "of-mini"),
        ("gpt-5-nano", "of-nano"),
        ("gpt-4o", "any-4o"),
        ("claude", None),
        ("", None),
    ],
)
def test_exact_names_go_before_patterns_and_longer_ones_first(asked, model):
    known = aliases(**{"gpt-*": "any-{1}", "gpt-5": "exact", "gpt-5-*": "of-{1}"})
    found = known.find(asked)

    assert model == (found.model(found.alias.targets[0]) if found is not None else None)


def test_a_pattern_is_no_name():
    found = aliases(**{"gpt-*": "m"}).find("gpt-*")

    assert ("*",) == found.captures, "it is a name like any other, and mapped as such"


def test_several_stars_are_captured_in_order():
    found = aliases(**{"*/gpt-**": "{2}-{1}"}).find("eu/gpt-4/mini")

    assert "4/mini-eu" == found.model(found.alias.targets[0])


@pytest.mark.parametrize(("name", "model"), [("gpt", "gpt-{1}"), ("gpt-*", "gpt-{2}"), ("*", "{0}")])
def test_a_capture_needs_its_star(name, model):
    with pytest.raises(ValueError, match="names"):
        aliases(**{name: model})


def test_weights_and_a_preference_are_two_orders():
    targets = [{"provider": "p", "model": "a", "weight": 1}, {"provider": "p", "model": "b"}]
    with pytest.raises(ValidationError, match="two orders"):
        Alias.model_validate({"targets": targets, "prefer": "cheapest"})
