from time import perf_counter

import pytest

from outgate.pipeline.order import Ordering, Task, cheapest, expected_cost


def _task(cost: float, passes: float, *needs: str) -> Task:
    return Task(cost, passes, frozenset(needs))


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        ({}, ()),
        ({"b": _task(1, 1), "a": _task(1, 1)}, ("a", "b")),
        ({"dear": _task(9, 0.5), "cheap": _task(1, 0.5)}, ("cheap", "dear")),
        ({"a": _task(1, 1), "stops": _task(1, 0.5)}, ("stops", "a")),
        ({"a": _task(1, 1), "stops": _task(1, 0.5, "a")}, ("a", "stops")),
        ({"a": _task(1, 0.9), "key": _task(3, 1), "opens": _task(0.1, 0.01, "key")}, ("key", "opens", "a")),
        ({"a": _task(1, 1, "elsewhere")}, ("a",)),
    ],
    ids=["nothing", "equal by name", "cheap first", "what stops first", "needs", "through a dear one", "need of another phase"],
)
def test_cheapest(tasks, expected):
    assert Ordering(expected, exact=True) == cheapest(tasks)


def test_thirty_stages_mostly_in_chains_are_exact_and_quick():
    tasks = {f"{chain}{i:02}": _task(1 + i % 3, 0.95, *([f"{chain}{i - 1:02}"] if i else [])) for chain in "abc" for i in range(10)}
    start = perf_counter()
    found = cheapest(tasks)

    assert found.exact
    assert perf_counter() - start < 1.0


def test_beyond_the_work_bound_the_heuristic_gives_a_legal_order():
    tasks = {f"t{i:02}": _task(1 + i % 5, 0.9 - i / 100, *([f"t{i - 7:02}"] if i >= 7 else [])) for i in range(24)}
    found = cheapest(tasks, work=50)

    assert not found.exact
    assert sorted(tasks) == sorted(found.names)
    assert all(tasks[name].needs <= set(found.names[:i]) for i, name in enumerate(found.names))
    assert found == cheapest(dict(reversed(tasks.items())), work=50)
    assert expected_cost(found.names, tasks) <= expected_cost(cheapest(tasks).names, tasks) * 1.05


def test_expected_cost_counts_only_what_is_reached():
    assert 1 + 0.5 * 10 == expected_cost(("stops", "then"), {"stops": _task(1, 0.5), "then": _task(10, 1)})
