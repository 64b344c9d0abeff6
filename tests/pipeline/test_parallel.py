from outgate.pipeline.compiler import compile_plan
from pipeline.standard import STANDARD, stage


def test_neighbours_without_an_order_could_run_side_by_side():
    plan = compile_plan((stage("a", "conn"), stage("b", "conn", "model"), stage("c", "model")))

    assert (("a", "b"),) == plan.parallel


def test_charges_and_releases_never_do():
    groups = {name for group in compile_plan(STANDARD).parallel for name in group}

    assert groups
    assert not groups & {"token_budget", "dispatch"}
