import pytest

from outgate.policy.provider_settings import ProviderSection
from outgate.policy.schema import RouteSection
from outgate.policy.scopes import BOUNDARY, stages_of


def merged(gateway=None, backend=None, replace=(), alone=(), **route):
    section = RouteSection.model_validate({"name": "r", "replace": alone, **route})
    provider = ProviderSection.model_validate({"host": "p.test", "stages": backend or {}, "replace": replace})
    found = stages_of(gateway or {}, "p", provider, section, ("routes", 0))
    return {name: placed for name, placed in found.items() if name not in BOUNDARY}, found


def test_a12_route_over_backend_over_gateway():
    own, _ = merged(
        {"redact": {"x": 1}, "cache": {"x": 1}, "authorize": {"x": 1}},
        {"cache": {"x": 2}, "authorize": {"x": 2, "z": 2}},
        stages={"authorize": {"y": 3}},
    )

    assert {"redact": {"x": 1}, "cache": {"x": 2}, "authorize": {"x": 2, "z": 2, "y": 3}} == {
        name: placed.settings for name, placed in own.items()
    }
    assert [("stages", "redact"), ("providers", "p", "stages", "cache"), ("routes", 0, "stages", "authorize")] == [
        placed.place for placed in own.values()
    ]
    assert (("providers", "p", "stages", "authorize"), ("stages", "authorize")) == own["authorize"].under


def test_a_route_keeps_what_the_policy_admits_and_adds_to_it():
    _, found = merged(
        {"admit_parts": {"allow_unjudged": ["image"]}, "model_map": {"models": {"a": [1]}, "passthrough": True}},
        stages={"admit_parts": {"allow_server_state": ["store"]}, "model_map": {"models": {"b": [2]}}},
    )

    assert {"allow_unjudged": ["image"], "allow_server_state": ["store"]} == found["admit_parts"].settings
    assert {"models": {"a": [1], "b": [2]}, "passthrough": True} == found["model_map"].settings


def test_a_list_is_written_anew():
    own, _ = merged({"redact": {"x": [1, 2]}}, stages={"redact": {"x": [3]}})

    assert {"x": [3]} == own["redact"].settings


@pytest.mark.parametrize("scope", ["route", "provider"])
def test_settings_that_replace_stand_alone(scope):
    gateway, narrow = {"redact": {"x": 1, "y": {"z": 1}}}, {"redact": {"y": {"w": 2}}}

    def settings(**replacing):
        at_provider = {"backend": narrow, **replacing} if scope == "provider" else {}
        at_route = {"stages": narrow, "alone": replacing.get("replace", ())} if scope == "route" else {}
        return merged(gateway, **at_provider, **at_route)[0]["redact"].settings

    assert {"x": 1, "y": {"z": 1, "w": 2}} == settings()
    assert {"y": {"w": 2}} == settings(replace=["redact"])


def test_false_removes_at_every_scope():
    own, everything = merged(
        {"redact": {}, "cache": {}, "close_exchange": False},
        {"redact": False},
        stages={"cache": False, "inject_credentials": False},
    )

    assert {} == own
    assert {"close_exchange", "inject_credentials"} == set(BOUNDARY) - set(everything)


def test_a_narrower_scope_brings_back_what_a_wider_one_removed():
    own, _ = merged({"redact": False}, {}, stages={"redact": None})

    assert {} == own["redact"].settings


def test_a_route_may_inherit_only_what_it_names():
    gateway = {"redact": {"x": 1}, "cache": {}}

    assert {"redact"} == set(merged(gateway, inherit=["redact"])[0])
    assert set() == set(merged(gateway, inherit=False)[0])


def test_what_is_not_inherited_still_stands_on_the_boundary():
    assert set(BOUNDARY) == set(merged({}, inherit=False)[1])


@pytest.mark.parametrize("inherit", [["authenticate", "authorize"], False])
def test_a_list_of_inherited_stages_forgets_no_map_of_models(inherit):
    _, found = merged({"model_map": {"passthrough": True}}, inherit=inherit)

    assert {"passthrough": True} == found["model_map"].settings
