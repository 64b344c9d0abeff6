from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import Effect, Judges, May, Release
from outgate.pipeline.explain import explain, explain_json
from pipeline.standard import STANDARD, stage


async def _waits(facts):
    return ("x",)


def _beside(*placements):
    return compile_plan(placements).beside


REDACT = stage("redact", "prompt", "prompt", clears=True, preserves="verdict.*", cost=0.01, run=_waits)
GUARD = stage("guard", "prompt", "verdict.guard", judges=Judges.CLEAN, may=May.DENY, passes=0.5, run=_waits)
EMBED = stage("embed", "prompt", "wire.body", cost=20.0, run=_waits)
SEARCH = stage("search", "wire.body", "wire.path", may=May.RESPOND, cost=5.0, run=_waits)


def test_what_reads_a_final_prompt_starts_beside_a_guard_that_waits():
    assert {"guard": ("embed",)} == _beside(REDACT, GUARD, EMBED, SEARCH)


def test_what_only_saves_time_is_left_out_where_it_saves_none():
    early = stage("embed", "prompt", "prompt.vector", cost=20.0, run=_waits, ahead=True)
    search = stage("search", "prompt prompt.vector", "wire.path", cost=5.0, run=_waits, optional="prompt.vector")
    quick = stage("guard", "prompt", "verdict.guard", judges=Judges.CLEAN, may=May.DENY, passes=0.5)

    assert ("redact", "guard", "embed", "search") == compile_plan((REDACT, GUARD, early, search)).order
    assert ("redact", "guard", "search") == compile_plan((REDACT, quick, early, search)).order


def test_stages_that_do_not_wait_may_stand_between():
    between = stage("checks", "prompt verdict.guard", "verdict.checks", judges=Judges.CLEAN, may=May.DENY, passes=0.9)
    plan = compile_plan((REDACT, GUARD, EMBED, between))

    assert ("redact", "guard", "checks", "embed") == plan.order
    assert {"guard": ("embed",)} == plan.beside


def test_a_stage_never_starts_before_what_it_reads_is_written():
    assert {} == _beside(EMBED, SEARCH)


def test_a_stage_never_starts_before_a_rewrite_that_spares_its_results():
    early = stage("guard", "conn", "verdict.guard", judges=Judges.RAW, cost=0.001, passes=0.1, run=_waits)
    rewrites = stage("rewrites", "prompt", "prompt", preserves="wire.body", cost=0.1)
    plan = compile_plan((early, rewrites, EMBED))

    assert ("guard", "rewrites", "embed") == plan.order
    assert {} == plan.beside


def test_an_edge_without_a_fact_counts():
    answers = stage("answers", "conn", "model", may=May.RESPOND, run=_waits)

    assert {} == _beside(GUARD, answers), "no answer is looked up before the guards have passed"


def test_charges_effects_and_releases_wait_for_their_turn():
    for fields in ({"effect": Effect.CHARGE}, {"effect": Effect.IDEMPOTENT}, {"releases": Release.THIRD_PARTY}):
        late = stage("z_late", "conn", "model", after="a_first", run=_waits, **fields)
        first = stage("a_first", "conn", "provider", run=_waits)
        pure = stage("pure", "conn", "backend", after="z_late", placed_after="a_first", run=_waits)

        assert "z_late" not in sum(_beside(first, late, pure).values(), ())
        assert {} == _beside(first, late)


def test_what_waits_for_its_turn_lets_pure_stages_start_beside_it():
    charges = stage("charges", "conn", "hold", effect=Effect.CHARGE, cost=0.001, run=_waits)

    assert {"charges": ("embed",)} == _beside(charges, EMBED)


def test_a_plan_that_waits_nowhere_has_none():
    assert {} == compile_plan(STANDARD).beside


def test_a_plan_tells_what_waits_side_by_side():
    second = stage("guard_two", "prompt", "verdict.guard_two", judges=Judges.CLEAN, may=May.DENY, passes=0.9, run=_waits)
    plan = compile_plan((GUARD, second, EMBED))

    assert {"guard": ("guard_two", "embed"), "guard_two": ("embed",)} == plan.beside
    assert [["guard", "guard_two", "embed"]] == explain_json(plan)["parallel"]
    assert "\nwait side by side\n  guard | guard_two | embed\n" in explain(plan)
