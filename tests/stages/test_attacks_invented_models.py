"""A workload that invents models, where any name passes: no name may be a fresh budget, nor cost an account."""

import asyncio

from outgate.errors import Denial
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.stages.token_budget import Reads, TokenBudget, TokenBudgetSettings
from outgate.stores.accounts import Hold
from support.budgets import AGENT, limit, line, running

NAMED = "gpt-4o-mini"
CHAT = Operation("openai", Kind.CHAT)
BUDGET, COST = 1000, 100


def spent_by(folder, models):
    """What the stage gives to a request of 100 tokens for each of these models in turn, and the accounts there are then."""

    async def story():
        async with running(folder) as accounts:
            settings = TokenBudgetSettings(limits=(limit(BUDGET, per=("model",)),))
            stage = TokenBudget(settings, accounts, models=frozenset({NAMED}))
            outcomes = []
            for number, model in enumerate(models):
                facts = Reads(str(number), AGENT, CHAT, model, InputTokens(60), Params(max_tokens=COST - 60))
                outcome = await stage.run(facts)
                outcomes.append(outcome)
                if not isinstance(outcome, Denial):
                    accounts.close(line(str(number), 60, COST - 60))
            return outcomes, await accounts.standings()

    return asyncio.run(story())


def test_an_invented_name_is_no_fresh_budget(tmp_path):
    outcomes, _ = spent_by(tmp_path, [f"invented-{number}" for number in range(30)])

    assert BUDGET // COST == sum(not isinstance(outcome, Denial) for outcome in outcomes)
    assert {"budget_exhausted"} == {outcome.code for outcome in outcomes[BUDGET // COST :]}


def test_invented_names_cost_one_account(tmp_path):
    _, standings = spent_by(tmp_path, [NAMED, *(f"invented-{number}" for number in range(30))])

    assert {f"team@day/model={NAMED}", "team@day/model=*"} == {standing.key for standing in standings}


def test_what_was_spent_on_invented_names_is_not_the_named_models(tmp_path):
    outcomes, _ = spent_by(tmp_path, [*(f"invented-{number}" for number in range(30)), NAMED])

    assert isinstance(outcomes[-1][0], Hold)
