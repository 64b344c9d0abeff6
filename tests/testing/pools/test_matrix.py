"""Matrix of a contest: every cell once, regret against the best of its cell."""

from outgate.testing.pools.contest import Metrics, Result
from outgate.testing.pools.matrix import Cell, Scene, cells, geometric, regrets, scenes
from outgate.testing.pools.pickers import OTHERS, OWN
from outgate.testing.pools.workloads import teams


def test_every_picker_meets_every_scene_under_all_metrics():
    ran = list(cells({"small": Scene(teams(2))}, (1, 2), 2.0))

    assert 2 * len(Metrics) * len((*OWN, *OTHERS)) == len(ran) == len({cell[:4] for cell in ran})
    assert all(value >= 1 for values in regrets(ran, Metrics.FRESH).values() for value in values)


def test_regret_is_over_the_best_of_the_same_cell():
    def cell(picker, seed, mean):
        return Cell("s", seed, Metrics.FRESH, picker, Result(mean, mean, 0, 0, 1, 1))

    ran = [cell("a", 1, 1.0), cell("b", 1, 2.0), cell("a", 2, 8.0), cell("b", 2, 2.0)]

    assert {"a": [1.0, 4.0], "b": [2.0, 1.0]} == regrets(ran, Metrics.FRESH)
    assert 2.0 == geometric([1.0, 4.0])


def test_traces_are_scenes_only_where_they_are_given(tmp_path):
    assert 2 == len(scenes(tmp_path)) - len(scenes(None))
