"""A judge sees the text that it declares, whatever any stage costs."""

from random import Random
from typing import Any

import pytest

from outgate.errors import PolicyError
from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.contract import Judges, May
from outgate.pipeline.explain import explain
from pipeline.more_stages import SECRET_GUARD, TOOL_POLICY
from pipeline.standard import OUTPUT_GUARD, RESTORE, STANDARD, before, codes_of, meaning, repriced, stage, swap, vary

COSTS = (0.0001, 45.0, 10_000.0)


@pytest.mark.parametrize("cost", COSTS)
def test_a_raw_guard_of_any_cost_sees_what_redaction_takes_out(cost):
    plan = compile_plan(swap(vary(SECRET_GUARD, cost=cost)))

    assert before(plan, "authorize", "secret_guard", "redact", "cache")
    assert ("given",) == meaning(plan)["secret_guard"]


@pytest.mark.parametrize("cost", COSTS)
def test_a_clean_guard_of_any_cost_sees_placeholders(cost):
    plan = compile_plan(swap(vary(SECRET_GUARD, judges=Judges.CLEAN, cost=cost)))

    assert before(plan, "prompt_guard", "redact", "secret_guard", "cache")
    assert ("redact",) == meaning(plan)["secret_guard"]


@pytest.mark.parametrize("cost", COSTS)
def test_a_guard_of_the_answer_that_rewrites_it_stands_between_dispatch_and_the_recording(cost):
    guard = stage(
        "out_guard", "r.stream", "r.stream verdict.out.out_guard", judges=Judges.CLEAN, may=May.DENY | May.MUTATE, cost=cost
    )
    plan = compile_plan(swap(guard, drop="output_guard"))

    assert before(plan, "dispatch", "out_guard", "record", "restore")
    assert {"out_guard": "dispatch", "record": "out_guard"} == {name: meaning(plan)[name][0] for name in ("out_guard", "record")}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("rewrites", [False, True])
def test_a_guard_of_what_is_released_sees_what_the_client_gets(cost, rewrites):
    verdict = "verdict.out.tool_policy"
    guard = vary(TOOL_POLICY, cost=cost, writes=f"r.stream {verdict}" if rewrites else verdict, preserves="verdict.out.*")
    plan = compile_plan(swap(guard))

    assert before(plan, "output_guard", "record", "restore", "tool_policy", "cache_write")
    assert "restore" == meaning(plan)["tool_policy"][0]


def test_judges_of_different_texts_need_no_other_order_where_nothing_is_cleared():
    raw, clean = (
        stage(name, "prompt", f"prompt verdict.{name}", judges=word, may=May.MUTATE, preserves="verdict.*")
        for name, word in (("z_raw", Judges.RAW), ("a_clean", Judges.CLEAN))
    )

    assert before(compile_plan(swap(raw, clean)), "z_raw", "redact", "a_clean")
    assert before(compile_plan(swap(raw, clean, drop="redact restore")), "z_raw", "a_clean")


def test_two_judges_of_one_text_that_rewrite_it_ask_for_an_order():
    again = OUTPUT_GUARD._replace(name="output_guard_again")
    again = vary(again, writes="r.stream verdict.out.again", preserves="verdict.out.*")

    assert before(compile_plan(swap(again)), "output_guard", "output_guard_again", "restore")
    assert {"E_WAW_AMBIGUOUS"} <= codes_of(swap(vary(again, preserves="")))
    assert {"E_WAW_AMBIGUOUS"} <= codes_of(swap(again, vary(OUTPUT_GUARD, preserves="verdict.out.*")))


def test_the_reason_is_told():
    text = explain(compile_plan(swap(SECRET_GUARD, TOOL_POLICY)))

    assert "after prompt_guard, secret_guard: prompt is judged raw" in text
    assert "after output_guard: r.stream is judged clean" in text
    assert "after output_guard, record, restore: r.stream is judged released" in text
    assert "secret_guard: prompt → verdict.secret_guard (may deny, judges raw)" in text


def _judge(rng: Random, number: int) -> Placement:
    about = rng.choice(("prompt", "prompt", "r.stream"))
    verdict = f"verdict.out.j{number}" if about == "r.stream" else f"verdict.j{number}"
    rewrites = rng.random() < 0.3
    return stage(
        f"j{number}",
        " ".join((about, *rng.sample(("tools", "params", "principal"), rng.randint(0, 1)))),
        f"{about} {verdict}" if rewrites else verdict,
        judges=rng.choice(list(Judges)),
        may=May.DENY,
        preserves=rng.choice(("", "verdict.*")) if rewrites else "",
        cost=rng.random() * 10 ** rng.randint(-3, 3),
        passes=rng.choice((1.0, 0.9, 0.5)),
    )


def _rewrite(rng: Random, number: int) -> Placement:
    preserves = rng.choice(("", "verdict.*", "verdict.j1", "verdict.prompt_guard"))
    return stage(f"m{number}", "prompt", "prompt", may=May.MUTATE, preserves=preserves, cost=rng.random())


def guarded(rng: Random) -> tuple[Placement, ...]:
    """The standard stages with random judges of the prompt and the answer, and rewrites of the prompt in a declared order."""
    added: list[Any] = [_judge(rng, number) for number in range(rng.randint(1, 4))]
    rewrites = [_rewrite(rng, number) for number in range(rng.randint(0, 2))]
    chained = [vary(p, after=rewrites[i - 1].name) if i else p for i, p in enumerate(rewrites)]
    return swap(*added, *chained, drop=rng.choice(("", "", "output_guard", "redact restore")))


def _meant(placements: tuple[Placement, ...]) -> dict[str, tuple[str, ...]]:
    """What every stage reads; nothing where the plan is refused."""
    try:
        return meaning(compile_plan(placements))
    except PolicyError:
        return {}


def test_prop_no_cost_moves_what_a_stage_reads():
    rng = Random(21)
    sound = 0
    for _ in range(60):
        placements = guarded(rng)
        read = _meant(placements)
        sound += bool(read)
        for name in rng.sample([p.name for p in placements], 4):
            for factor in (1_000, 0.001):
                assert read == _meant(repriced(placements, name, factor))
    assert 15 < sound < 60


def test_prop_every_judge_reads_what_it_declares():
    rng = Random(22)
    judged = 0
    for _ in range(150):
        placements = guarded(rng)
        by_name = {p.name: p.contract for p in placements}
        order = compile_plan(placements).order if not codes_of(placements) else ()
        for name in (name for name in order if by_name[name].judges):
            behind = order[: order.index(name)]
            about = by_name[name].reads[0]
            cleared, restored = "redact" in behind, RESTORE.name in behind
            word = by_name[name].judges
            rewritten = [
                other for other in order if about in by_name[other].reads and about in by_name[other].writes and other != name
            ]
            assert about != "prompt" or "redact" not in order or cleared is (word is not Judges.RAW)
            assert about != "r.stream" or "restore" not in order or restored is (word is Judges.RELEASED)
            assert word is not Judges.RELEASED or all(by_name[o].judges is word for o in rewritten if o not in behind)
            judged += 1
    assert judged > 200


@pytest.mark.parametrize("name", [p.name for p in STANDARD])
def test_the_standard_plan_means_the_same_at_any_cost(name):
    for factor in (1_000, 0.001):
        assert meaning(compile_plan(STANDARD)) == meaning(compile_plan(repriced(STANDARD, name, factor)))
