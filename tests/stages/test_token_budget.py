import asyncio
import sqlite3

import pytest
from pydantic import ValidationError

from outgate.errors import Denial
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.pipeline.contract import Effect, May, OnError
from outgate.stages.token_budget import Reads, TokenBudget, TokenBudgetSettings
from support.budgets import AGENT, limit, line, running

CHAT = Operation("openai", Kind.CHAT)


def facts(exchange_id="x", *, operation=CHAT, tokens_in=100, model="gpt-4o", **params):
    return Reads(exchange_id, AGENT, operation, model, InputTokens(tokens_in), Params(**params))


def budgeted(folder, *requests, break_ledger=False, **settings):
    """What the stage gives for these requests, one after the other."""

    async def story():
        async with running(folder) as accounts:
            stage = TokenBudget(TokenBudgetSettings(**{"limits": (limit(100_000),)} | settings), accounts)
            if break_ledger:
                accounts._ledger.turn = _broken
            outcomes = [await stage.run(request) for request in requests]
            for request in requests:
                accounts.close(line(request.exchange_id, 0, 0))
            return outcomes

    return asyncio.run(story())


def _broken(turn):
    raise sqlite3.OperationalError("database is locked")


@pytest.mark.parametrize(
    ("request_", "settings", "tokens", "max_output"),
    [
        (facts(max_tokens=300), {}, 400, None),
        (facts(), {}, 16_484, 16_384),
        (facts(model="of-our-own"), {}, 4196, None),
        (facts(model="gpt-4", tokens_in=8000), {}, 8192, 192),
        (facts(), {"max_output_tokens": 50}, 150, 50),
        (facts(), {"max_output_tokens": 50, "accept_debt": True}, 150, None),
        (facts(max_tokens=300, n=4), {}, 1300, None),
        (facts(n=3), {"max_output_tokens": 50}, 250, 50),
        (facts(operation=Operation("openai", Kind.EMBEDDINGS)), {}, 100, None),
    ],
)
def test_the_most_a_request_may_cost_is_held(tmp_path, request_, settings, tokens, max_output):
    (hold,) = budgeted(tmp_path, request_, **settings)[0]

    assert (tokens, max_output) == (hold.amounts[0].tokens, hold.max_output)


@pytest.mark.parametrize("limits", [(), (limit(100_000, workload="somebody-else"),), (limit(100_000, model="o3"),)])
@pytest.mark.parametrize("settings", [{}, {"max_output_tokens": 50}])
def test_nothing_is_sent_that_no_limit_needs(tmp_path, limits, settings):
    (hold,) = budgeted(tmp_path, facts(), limits=limits, **settings)[0]

    assert ((), None) == (hold.amounts, hold.max_output)


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({"limits": [limit(1000)]}, ["W_LIMIT_BELOW_CEILING", "W_UNBOUNDED_HOLD"]),
        ({"limits": [limit(100_000)]}, ["W_UNBOUNDED_HOLD"]),
        ({"limits": [limit(100_000, model="gpt-*")]}, []),
        ({"limits": [limit(1000)], "max_output_tokens": 50}, []),
        ({}, []),
    ],
)
def test_the_check_says_what_a_request_without_a_maximum_will_meet(tmp_path, settings, codes):
    async def story():
        async with running(tmp_path) as accounts:
            names = frozenset({"gpt-4o", "of-our-own", "text-embedding-3-small"})
            return TokenBudget(TokenBudgetSettings(**settings), accounts, names).warnings

    assert codes == [problem.code for problem in asyncio.run(story())]


def test_a_budget_that_is_used_up_is_a_denial(tmp_path):
    first, second = budgeted(tmp_path, facts("a", max_tokens=90_000), facts("b", max_tokens=20_000))

    assert isinstance(first, tuple)
    assert ("budget_exhausted", 429) == (second.code, second.status)
    assert second.retry_after is not None


def test_a_retry_keeps_its_hold_A29(tmp_path):
    outcomes = budgeted(tmp_path, *[facts(max_tokens=9000)] * 50)

    assert 1 == len({id(hold) for (hold,) in outcomes})


def test_budgets_that_cannot_be_kept_deny(tmp_path):
    outcome = budgeted(tmp_path, facts(), break_ledger=True)[0]

    assert ("accounts_unavailable", 503) == (outcome.code, outcome.status)


def test_policy_may_let_requests_pass_where_budgets_cannot_be_kept(tmp_path):
    assert (None,) == budgeted(tmp_path, facts(), break_ledger=True, on_error="open")[0]


def test_open_never_opens_a_budget_that_is_used_up(tmp_path):
    assert isinstance(budgeted(tmp_path, facts(max_tokens=200_000), on_error="open")[0], Denial)


def test_accepting_debt_is_warned_about(tmp_path):
    async def story():
        async with running(tmp_path) as accounts:
            return [TokenBudget(TokenBudgetSettings(accept_debt=accept), accounts).warnings for accept in (False, True)]

    without, accepting = asyncio.run(story())

    assert () == without
    assert ["W_UNBOUNDED_HOLD"] == [problem.code for problem in accepting]


def test_the_contract_charges_after_the_count_and_the_model(tmp_path):
    async def story():
        async with running(tmp_path) as accounts:
            return TokenBudget(TokenBudgetSettings(), accounts).contract

    contract = asyncio.run(story())

    assert {"exchange.id", "principal", "operation", "model", "tokens.in", "params"} == set(contract.reads)
    assert (("hold",), ()) == (contract.writes, contract.outside)
    assert (May.DENY, Effect.CHARGE, OnError.DENY) == (contract.may, contract.effect, contract.on_error)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limits": [limit(1), limit(2)]},
        {"max_output_tokens": 0},
        {"limit": []},
        {"limits": [{"name": "a", "tokens": "many"}]},
    ],
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        TokenBudgetSettings(**wrong)


def test_settings_come_from_yaml_shapes():
    made = TokenBudgetSettings.model_validate({"limits": [{"name": "team", "tokens": 5, "window": "month", "per": ["workload"]}]})

    assert ("team", 5, "month", ("workload",)) == (
        made.limits[0].name,
        made.limits[0].tokens,
        made.limits[0].window,
        made.limits[0].per,
    )
