import pytest

from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Holds, May, OnError
from pipeline.standard import COUNT_TOKENS, MODEL_MAP, PROMPT_GUARD, STANDARD, TOKEN_BUDGET, problems_of, stage, swap, vary


async def _waits(facts):
    return ("fine",)


WARNED = {
    "W_FAIL_OPEN": swap(vary(PROMPT_GUARD, on_error=OnError.OPEN)),
    "W_DEFAULT_MODEL": swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=("m", "p"))),
    "W_UNBOUNDED_HOLD": swap(vary(TOKEN_BUDGET, reads="principal model tokens.in exchange.id")),
    "W_NO_LIMIT": swap(PROMPT_GUARD._replace(run=_waits)),
    "W_BUFFERS_STREAM": swap(vary(PROMPT_GUARD, holds=Holds("the answer", 1_048_576, whole=True))),
    "W_AFTER_UNKNOWN": swap(COUNT_TOKENS._replace(after=("rerank",))),
}


@pytest.mark.parametrize("code", WARNED)
def test_what_is_allowed_and_worth_knowing_is_a_warning(code):
    (warning,) = compile_plan(WARNED[code]).warnings

    assert code == warning.code
    assert warning.repair
    assert not warning.is_error


def test_the_standard_plan_has_no_warning():
    assert () == compile_plan(STANDARD).warnings


def test_a_closing_stage_that_reports_a_model_is_no_warning():
    assert () == compile_plan((stage("tail", "model outcome", optional="model"),)).warnings


def test_a_stage_that_has_a_limit_may_wait():
    assert () == compile_plan((vary(PROMPT_GUARD._replace(run=_waits), limit=1.0),)).warnings


def test_a_problem_stands_where_its_stage_stands():
    (found,) = problems_of((stage("x", "model", source="policies/mine.yaml:12"),))

    assert ("policies/mine.yaml", 12, "E_NO_PRODUCER", ("x",), "model") == (
        found.file,
        found.line,
        found.code,
        found.stages,
        found.fact,
    )


def test_all_problems_are_told_at_once():
    placements = (stage("a", "weather"), stage("b", "model"), stage("c", "prompt", "cache.key", may=May.RESPOND), stage("a"))
    codes = [problem.code for problem in problems_of(placements)]

    assert {"E_UNKNOWN_FACT", "E_NO_PRODUCER", "E_CACHE_KEY_INCOMPLETE", "E_DUPLICATE_STAGE"} == set(codes)
    assert 4 == codes.count("E_CACHE_KEY_INCOMPLETE")


def test_a_preserved_family_need_not_be_a_fact():
    assert () == problems_of((stage("x", "prompt", "prompt", preserves="verdict.*"),))


def test_a_preserved_fact_must_exist():
    assert ["E_UNKNOWN_FACT"] == [p.code for p in problems_of((stage("x", "prompt", "prompt", preserves="weather"),))]
