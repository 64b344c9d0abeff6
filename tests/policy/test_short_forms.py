import pytest
import yaml

from outgate.errors import PolicyError
from outgate.policy.load import load_source
from outgate.policy.short_forms import HIDDEN, word, written_out
from outgate.policy.source import parse_source
from support.policies import BASE

LIST, MAP = "tuple_type", "model_type"


@pytest.mark.parametrize(
    ("place", "value", "kind", "told"),
    [
        (("providers", "openai"), "a.test", MAP, "{host: a.test}"),
        (("routes", 0, "stages", "authorize_model", "allow", 1), "**", MAP, '{models: ["**"]}'),
        (("providers", "p", "stages", "model_map", "models", "fast"), "o1", LIST, "[{provider: PROVIDER, model: o1}]"),
        (("workloads", "a"), "x", MAP, "{}`, and give it a token with `outgate workload rotate NAME"),
        (("stages", "redact"), "on", MAP, "{}` for what it does by itself, or `false"),
        (("gateway",), 5, MAP, ""),
        (("providers", "openai"), ["a.test"], MAP, ""),
        (("providers", "openai"), "a.test", "string_type", ""),
    ],
)
def test_a_short_form_is_written_out(place, value, kind, told):
    assert told == written_out(place, value, repr(value), kind)


def test_attack_of_a_key_where_a_credential_stands_is_not_shown():
    for place in (("providers", "p"), ("routes", 0, "match")):
        assert not written_out(place, "sk-1234", HIDDEN, MAP)
    assert "{env: NAME}" in written_out(("providers", "p", "credential"), "sk-1234", HIDDEN, MAP)


@pytest.mark.parametrize("value", ["a.test", "/v1/x", "10.0.0.1:80", "**", "*.a", "a, b", "a: b", "#x", 5, True, 0.5])
def test_a_word_is_read_as_it_was_written(value):
    shown = repr(value) if isinstance(value, str) else str(value).lower()

    assert [value] == yaml.safe_load(f"[{word(value, shown)}]")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("authorize_model: {allow: ['**']}", 'write `{models: ["**"]}`'),
        ("model_map: {models: {fast: gpt-4o}}", "write `[{provider: PROVIDER, model: gpt-4o}]`"),
        ("token_budget: {limits: [{name: d, tokens: 9, per: workload}]}", "write `[workload]`"),
        ("token_budget: {limits: [{name: d, tokens: 9, per: team}]}", "one of `workload`, `tenant`, `model`"),
        ("token_budget: {limits: {name: d, tokens: 9}}", "write `[{…}]`"),
        ("token_budget: {limits: {d: 9}}", "a list, `[…]`, of which every item is a mapping"),
    ],
)
def test_settings_of_stages_are_written_out_too(settings, told):
    source = parse_source(f"{BASE.rstrip()}\n    stages: {{{settings}}}\n", "p.yaml")
    with pytest.raises(PolicyError) as refused:
        load_source(source)

    assert any(told in problem.repair for problem in refused.value.problems), refused.value
