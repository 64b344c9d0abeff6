import pytest

from outgate.pipeline.contract import Judges, May, OnError
from pipeline.more_stages import GUARD_REDACTS, REDACT_OUTPUT
from pipeline.standard import CLOSE_EXCHANGE, HYDRATE, MODEL_MAP, RESTORE, TOKEN_BUDGET, problems_of, stage, swap, vary


def _found(code, placements, **how):
    return next(problem for problem in problems_of(placements, **how) if problem.code == code)


def test_a_stale_verdict_names_the_guard_the_rewrite_and_the_way_to_the_release():
    found = _found("E_STALE_VERDICT", swap(vary(HYDRATE, after="prompt_guard"), GUARD_REDACTS))

    assert ("prompt_guard", "hydrate") == found.stages
    assert "prompt" == found.fact
    assert "prompt_guard" == found.path[0]
    assert "final prompt" in found.repair


def test_an_older_version_than_was_judged_may_not_leave():
    late = vary(HYDRATE, after="encode_request", preserves="wire.*")
    by_name = vary(MODEL_MAP, reads="model.requested params")
    found = _found("E_STALE_VERDICT", swap(late, by_name, drop="redact restore count_tokens token_budget cache record cache_write"))

    assert (("prompt_guard",), "prompt") == (found.stages, found.fact)
    assert "older" in found.message


@pytest.mark.parametrize("where", ["the exchange is denied", "cache answers"])
def test_an_early_ending_names_itself(where):
    placements = {
        "the exchange is denied": swap(vary(CLOSE_EXCHANGE, optional="model provider hold usage denial")),
        "cache answers": swap(stage("limit", "r.status hold", "r.headers", placed_after="dispatch")),
    }

    assert where in _found("E_UNSET_ON_EXIT", placements[where]).message


def test_what_was_written_before_the_answer_may_be_required():
    assert not problems_of(swap(stage("limit", "r.status placeholders", "verdict.out.limit", judges=Judges.CLEAN, may=May.DENY)))


def test_a_rewritten_answer_must_not_spoil_an_earlier_verdict():
    spoils = swap(vary(REDACT_OUTPUT, after="output_guard"), vary(RESTORE, preserves="verdict.* cache.recording"))
    found = _found("E_STALE_VERDICT", spoils)

    assert (("output_guard", "redact_output"), "r.stream", "the client") == (found.stages, found.fact, found.path[-1])


def test_an_optional_fact_may_stay_unset():
    open_budget = vary(TOKEN_BUDGET, on_error=OnError.OPEN)

    assert not problems_of(swap(open_budget))
