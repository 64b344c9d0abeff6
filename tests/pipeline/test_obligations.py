import pytest

from outgate.pipeline.contract import Judges, May, OnError, Release
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


@pytest.mark.parametrize("name", ["tools", "params"])
def test_attack_a_clean_judge_of_text_that_nothing_clears(name):
    guard = stage("g", name, "verdict.g", judges=Judges.CLEAN, may=May.DENY)
    found = _found("E_JUDGED_TEXT", swap(guard))

    assert (("g", "redact"), name) == (found.stages, found.fact)
    assert not problems_of(swap(vary(guard, judges=Judges.RAW)))


@pytest.mark.parametrize("name", ["tools", "params"])
def test_attack_a_third_party_is_handed_text_that_nothing_clears(name):
    assert name == _found("E_TAINT", swap(stage("g", name, releases=Release.THIRD_PARTY))).fact


def test_a_body_made_of_the_cleared_prompt_may_go_to_a_third_party():
    assert not problems_of(swap(stage("mirror", "wire.body", releases=Release.THIRD_PARTY)))
