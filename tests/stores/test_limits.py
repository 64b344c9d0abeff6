import pytest
from pydantic import ValidationError

from outgate.inference.principal import Principal
from outgate.stores.limits import BudgetLimits
from support.budgets import limit

AGENT = Principal(name="agent", tenant="acme")


def keys(limits, principal=AGENT, model="gpt-4o"):
    return [account.key for account in limits.matching(principal, model)]


def test_every_matching_limit_is_debited_A17():
    limits = BudgetLimits([limit(1, name="all"), limit(1, name="mine", workload="ag*"), limit(1, name="theirs", tenant="other")])

    assert ["all@day", "mine@day"] == keys(limits)


def test_a_limit_may_be_for_one_model():
    limits = BudgetLimits([limit(1, model="gpt-4o*")])

    assert ["team@day"] == keys(limits, model="gpt-4o-mini")
    assert [] == keys(limits, model="claude-sonnet-4-5")


def test_per_gives_each_its_own_account():
    limits = BudgetLimits([limit(1, per=("tenant", "model"))], frozenset({"gpt-4o"}))

    assert ["team@day/tenant=acme/model=gpt-4o"] == keys(limits)
    assert ["team@day/tenant=other/model=gpt-4o"] == keys(limits, Principal(name="agent", tenant="other"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Principal(name="b", tenant="a/workload=x"), Principal(name="b", tenant="a")),
        (Principal(name="c", tenant="a%2Fb"), Principal(name="c", tenant="a/b")),
        (Principal(name='"', tenant="\\"), Principal(name="\\", tenant='"')),
    ],
)
def test_two_callers_never_meet_under_one_key(first, second):
    limits = BudgetLimits([limit(1, per=("tenant", "workload"))])

    assert keys(limits, first) != keys(limits, second)


@pytest.mark.parametrize("model", ["invented", "GPT-4o", "gpt-4o ", "*", "%2A", "/model=gpt-4o", ""])
def test_models_that_the_policy_does_not_name_share_an_account(model):
    limits = BudgetLimits([limit(1, per=("model", "tenant"))], frozenset({"gpt-4o"}))

    assert ["team@day/model=*/tenant=acme"] == keys(limits, model=model)


def test_a_model_that_is_named_like_the_shared_account_has_its_own():
    limits = BudgetLimits([limit(1, per=("model",))]).plus([], frozenset({"*"}))

    assert ["team@day/model=%2A"] == keys(limits, model="*")


def test_keys_hold_nothing_that_json_escapes():
    key = keys(BudgetLimits([limit(1, per=("workload",))]), Principal(name='a"b\\c\nü', tenant="t"))[0]

    assert "team@day/workload=a%22b%5Cc%0A%C3%BC" == key


def test_one_account_is_debited_once_however_many_limits_name_it():
    limits = BudgetLimits([limit(10), limit(20)])

    assert [10] == [account.limit.tokens for account in limits.matching(AGENT, "gpt-4o")]


def test_what_is_remembered_is_bounded():
    limits = BudgetLimits([limit(1)])
    for number in range(10_000):
        limits.matching(AGENT, f"model-{number}")

    assert len(limits._known) <= 4096


@pytest.mark.parametrize(
    "wrong",
    [
        {"tokens": -1},
        {"window": "week"},
        {"window": 0},
        {"name": "Team A"},
        {"name": ""},
        {"per": ("model", "colour")},
        {"tokns": 1},
    ],
)
def test_a_wrong_limit_is_refused(wrong):
    with pytest.raises(ValidationError):
        limit(**{"tokens": 1} | wrong)
