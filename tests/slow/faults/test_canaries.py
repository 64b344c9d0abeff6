"""promises.md E5: 10,000 canaries in every encoding, cut at every place; `scripts/faults canaries` writes the figures.

CANARIES says how many instead.
"""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from support.canaries import ENCODINGS, answer, canaries, leaks

COUNT = int(os.environ.get("CANARIES", "10000"))


def passed(keys: list[str], encoding: str) -> tuple[int, int]:
    """Places at which one was cut, and those at which it leaked."""
    cut = leaked = 0
    for key in keys:
        text = answer(key, encoding)
        found = leaks(key, text, range(len(text) + 1))
        cut, leaked = cut + len(found), leaked + sum(found)
    return cut, leaked


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_canary_passes_wherever_it_is_cut(encoding, record_property):
    keys, workers = list(canaries(COUNT)), os.cpu_count() or 1
    with ProcessPoolExecutor(workers) as pool:
        parts = list(pool.map(passed, [keys[at::workers] for at in range(workers)], [encoding] * workers))
    cut, leaked = map(sum, zip(*parts, strict=True))
    record_property("canaries", len(keys))
    record_property("places", cut)
    record_property("leaks", leaked)

    assert 0 == leaked
