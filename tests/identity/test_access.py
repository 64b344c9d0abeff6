import pytest

from outgate.identity.access import ModelRule, Who
from outgate.inference.principal import Principal

ALPHA = Principal(name="alpha", groups=frozenset({"research"}))


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (Who(), True),
        (Who(workloads=("alpha",)), True),
        (Who(workloads=("beta",)), False),
        (Who(groups=("research",)), True),
        (Who(groups=("ops",)), False),
        (Who(workloads=("beta",), groups=("research",)), True),
    ],
)
def test_who_covers(who, expected):
    assert expected is who.covers(ALPHA)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (ModelRule(), True),
        (ModelRule(models=("gpt-*",)), True),
        (ModelRule(models=("claude-*",)), False),
        (ModelRule(providers=("openai",)), True),
        (ModelRule(providers=("anthropic",)), False),
        (ModelRule(workloads=("beta",)), False),
    ],
)
def test_model_rule_allows(rule, expected):
    assert expected is rule.allows(ALPHA, "openai", "gpt-4o")
