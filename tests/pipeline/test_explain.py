import json

import pytest

from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Judges, OnError
from outgate.pipeline.explain import explain, explain_json
from outgate.pipeline.facts import Origin
from pipeline.standard import CACHE, MODEL_MAP, OUTPUT_GUARD, PROMPT_GUARD, STANDARD, stage, swap, vary


def test_a_plan_in_words():
    text = explain(compile_plan(STANDARD, revision="r1"))

    for line in (
        "of revision r1",
        "  9 token_budget: principal, model, tokens.in, params, exchange.id → hold (may deny, charges)",
        "      after count_tokens: reads tokens.in",
        "      after cache: no charge for what is answered here",
        "      after originate_tls: reads wire.origination",
        "  unauthorized: inject_credentials, dispatch",
        "      inject_credentials: credential.epoch changed",
    ):
        assert line in text
    assert "dispatch ends the request" not in text
    assert "warnings" not in text


def test_the_pass_of_an_answer_through_its_judges_is_a_phase_of_its_own():
    judge = vary(OUTPUT_GUARD, writes="verdict.out.output_guard")._replace(streams=True)
    plan = compile_plan((judge,), given=frozenset(Origin), known=frozenset({"r.stream"}))

    assert "\nstreams\n  1 output_guard" in explain(plan)
    assert ["output_guard"] == [stage["stage"] for stage in explain_json(plan)["order"]["streams"]]


def test_phases_come_in_order():
    lines = explain(compile_plan(STANDARD)).splitlines()

    assert ["request", "response", "close", "after"] == [
        line for line in lines if line in ("request", "response", "close", "after")
    ]


def test_warnings_and_failure_modes_are_told():
    text = explain(
        compile_plan(
            swap(vary(PROMPT_GUARD, on_error=OnError.OPEN), vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=("m", "p")))
        )
    )

    assert "W_FAIL_OPEN: requests pass prompt_guard when it fails" in text
    assert "W_DEFAULT_MODEL" in text
    assert "fails open" in text
    assert "fails fallback" in text


def test_a_plan_as_data_is_json():
    plan = compile_plan(swap(vary(PROMPT_GUARD, on_error=OnError.OPEN)), revision="r1")
    data = json.loads(json.dumps(explain_json(plan)))

    assert (plan.hash, "r1") == (data["hash"], data["revision"])
    assert [step.name for step in plan.request] == [entry["stage"] for entry in data["order"]["request"]]
    assert ["deny"] == data["order"]["request"][0]["may"]
    assert len(plan.edges) == len(data["edges"])
    assert {"stage": "inject_credentials", "why": "credential.epoch changed"} in data["reruns"]["unauthorized"]
    assert [] == data["parallel"]
    assert ["W_FAIL_OPEN"] == [warning["code"] for warning in data["warnings"]]


def test_the_hash_knows_neither_revision_nor_place():
    moved = tuple(placement._replace(source="policy.yaml:9") for placement in STANDARD)

    assert compile_plan(STANDARD, revision="a").hash == compile_plan(moved, revision="b").hash
    assert "a" == compile_plan(STANDARD, revision="a").revision


@pytest.mark.parametrize(
    "change",
    [
        {"cost": 0.03},
        {"passes": 0.7},
        {"limit": 1.0},
        {"outside": "policy.revision"},
        {"optional": "tools"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_knows_every_field(change):
    assert compile_plan(STANDARD).hash != compile_plan(swap(vary(CACHE, **change))).hash


def test_the_hash_knows_what_is_judged():
    clean = stage("clean", "tools", "verdict.clean", judges=Judges.CLEAN)

    assert compile_plan((clean,)).hash != compile_plan((vary(clean, judges=Judges.RAW),)).hash


class _Anything:
    pass


def test_a_fallback_without_a_stable_text_is_told_by_its_type():
    def hash_of(fallback):
        return compile_plan(swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=fallback))).hash

    assert hash_of((_Anything(), "p")) == hash_of((_Anything(), "p"))
    assert hash_of((_Anything(), "p")) != hash_of((_Anything(), "q"))
    assert hash_of((("a", OnError.OPEN), "p")) != hash_of((("a", OnError.DENY), "p"))
