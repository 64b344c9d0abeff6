"""Plans of the shipped policies: the same reads and edges, whatever one of their stages costs."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from outgate.pipeline.compiler import Placement, compile_plan
from outgate.pipeline.contract import Judges
from outgate.pipeline.plan import Plan
from outgate.policy import build
from outgate.policy.load import load_policy
from pipeline.standard import meaning, repriced

POLICIES = Path(__file__).parents[2] / "policies"
SHIPPED = sorted(path for path in POLICIES.rglob("*.yaml") if not path.name.endswith(".test.yaml"))


class Compiled:
    """Remembers what it was given to compile."""

    def __init__(self) -> None:
        self.given: dict[str, tuple[tuple[Placement, ...], dict[str, Any]]] = {}

    def __call__(self, placements: Sequence[Placement], **how: Any) -> Plan:
        plan = compile_plan(placements, **how)
        self.given[plan.hash] = (tuple(placements), how)
        return plan


@pytest.fixture(name="compiled")
def _compiled(monkeypatch: pytest.MonkeyPatch) -> Compiled:
    compiled = Compiled()
    monkeypatch.setattr(build, "compile_plan", compiled)
    return compiled


@pytest.mark.exhaustive
@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_no_cost_moves_a_judge_or_an_edge(path: Path, compiled: Compiled) -> None:
    load_policy(path, elsewhere=True)

    assert compiled.given
    for placements, how in compiled.given.values():
        plan = compile_plan(placements, **how)
        for placement in placements:
            for factor in (1_000, 0.001):
                other = compile_plan(repriced(placements, placement.name, factor), **how)
                assert (meaning(plan), plan.edges) == (meaning(other), other.edges)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("cost", [0.0001, 45.0])
def test_a_new_raw_guard_goes_before_every_clearing_stage_of_every_route(path: Path, cost: float, compiled: Compiled) -> None:
    load_policy(path, elsewhere=True)
    for placements, how in compiled.given.values():
        guard = next((p for p in placements if p.name == "prompt_guard"), None)
        if guard is None or not any(each.name == "redact" and each.contract.clears for each in placements):
            continue  # `redact` with `raw_to` clears nothing: what stands where is the provider's affair
        contract = replace(guard.contract, writes=("verdict.spy_of_raw_text",), cost=cost)
        raw = guard._replace(name="spy_of_raw_text", contract=contract)
        order = compile_plan((*placements, raw), **how).order
        assert order.index("spy_of_raw_text") < order.index("redact")
        clean = raw._replace(contract=replace(contract, judges=Judges.CLEAN))
        order = compile_plan((*placements, clean), **how).order
        assert order.index("redact") < order.index("spy_of_raw_text")


def test_a_new_guard_of_the_answer_edits_no_sibling(compiled: Compiled) -> None:
    """It reads and rewrites the stream, beside the cache's recording and `restore`."""
    load_policy(POLICIES / "default.yaml")
    full = [
        (placements, how)
        for placements, how in compiled.given.values()
        if {"restore", "cache_record"} <= {p.name for p in placements}
    ]

    assert full
    for placements, how in full:
        record = next(p for p in placements if p.name == "cache_record")
        contract = replace(
            record.contract, reads=("r.stream",), writes=("r.stream", "verdict.out.x"), optional=(), preserves=(), view=None
        )
        for judges, behind in ((Judges.CLEAN, ["dispatch"]), (Judges.RELEASED, ["dispatch", "cache_record", "restore"])):
            guard = Placement("out_guard", replace(contract, judges=judges, preserves=("verdict.out.*",)), record.run, streams=True)
            order = compile_plan((*placements, guard), **how).order
            answer = ("dispatch", "cache_record", "restore", "out_guard")
            assert behind == [name for name in order[: order.index("out_guard")] if name in answer]
