from outgate.policy.schema import RouteSection
from outgate.policy.scopes import BOUNDARY, stages_of


def merged(gateway=None, backend=None, **route):
    section = RouteSection.model_validate({"name": "r", **route})
    found = stages_of(gateway or {}, "p", backend or {}, section, ("routes", 0))
    return {name: placed for name, placed in found.items() if name not in BOUNDARY}, found


def test_a12_route_over_backend_over_gateway():
    own, _ = merged({"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1}}, {"b": {"x": 2}, "c": {"x": 2}}, stages={"c": {"y": 3}})

    assert {"a": {"x": 1}, "b": {"x": 2}, "c": {"y": 3}} == {name: placed.settings for name, placed in own.items()}
    assert [("stages", "a"), ("providers", "p", "stages", "b"), ("routes", 0, "stages", "c")] == [
        placed.place for placed in own.values()
    ]


def test_false_removes_at_every_scope():
    own, everything = merged(
        {"a": {}, "b": {}, "close_exchange": False}, {"a": False}, stages={"b": False, "inject_credentials": False}
    )

    assert {} == own
    assert {"close_exchange", "inject_credentials"} == set(BOUNDARY) - set(everything)


def test_a_narrower_scope_brings_back_what_a_wider_one_removed():
    own, _ = merged({"a": False}, {}, stages={"a": None})

    assert {} == own["a"].settings


def test_a_route_may_inherit_only_what_it_names():
    gateway = {"a": {"x": 1}, "b": {}}

    assert {"a"} == set(merged(gateway, inherit=["a"])[0])
    assert set() == set(merged(gateway, inherit=False)[0])


def test_what_is_not_inherited_still_stands_on_the_boundary():
    assert set(BOUNDARY) == set(merged({}, inherit=False)[1])
