"""promises.md L1: many requests at once, several processes, tenants nobody has seen before."""

import multiprocessing
from collections import Counter
from pathlib import Path

import pytest

from support.budgets import audited, burst, peek

_CONTEXT = multiprocessing.get_context("spawn")


@pytest.mark.slow
@pytest.mark.parametrize("tenants", [1, 5])
def test_a_budget_for_ten_admits_ten_of_500_over_two_processes(tmp_path: Path, tenants: int):
    barrier, results = _CONTEXT.Barrier(2), _CONTEXT.Queue()
    workers = [
        _CONTEXT.Process(target=burst, args=(tmp_path, number, 250, tenants, 1000, barrier, results), daemon=True)
        for number in (0, 1)
    ]
    for worker in workers:
        worker.start()
    admitted = [pair for _ in workers for pair in results.get(timeout=60)]
    for worker in workers:
        worker.join(10)

    per_tenant = Counter(tenant for tenant, _ in admitted)
    assert tenants == len(per_tenant)
    assert all(8 <= count <= 10 for count in per_tenant.values()), per_tenant
    standings = {key: (settled, leased, debt) for key, _, settled, leased, debt in peek(tmp_path)}
    assert {f"team@day/tenant={tenant}": (37 * count, 0, 0) for tenant, count in per_tenant.items()} == standings
    assert sorted(exchange_id for _, exchange_id in admitted) == sorted(fields["id"] for fields in audited(tmp_path))
