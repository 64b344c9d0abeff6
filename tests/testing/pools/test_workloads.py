"""Workloads: the same for the same seed, prompts share beginnings alone, turns follow turns."""

from random import Random

import orjson
import pytest

from outgate.testing.pools.workloads import agents, chat, teams, trace

DRAWN = {"teams": teams(5), "new questions": teams(5, repeats=False), "chat": chat(2), "agents": agents(0.5)}


@pytest.mark.parametrize("workload", DRAWN.values(), ids=DRAWN)
def test_a_seed_is_a_workload(workload):
    first, again, other = (workload(Random(seed), 20.0) for seed in (1, 1, 2))

    assert [(each.at, each.blocks) for each in first] == [(each.at, each.blocks) for each in again]
    assert [each.at for each in first] != [each.at for each in other]
    assert all(0 < each.at < 20 and each.tokens >= 64 for each in first)


def test_a_turn_begins_with_all_that_was_said_before():
    turns = [each for each in chat(2)(Random(1), 30.0) if each.follows]

    for turn in turns:
        following, gap = turn.follows
        assert following.blocks[: len(turn.blocks) + len(turn.answer)] == (*turn.blocks, *turn.answer)
        assert gap > 0


def test_a_trace_shares_what_its_hashes_share(tmp_path):
    line = {"timestamp": 0, "input_length": 1_100, "output_length": 10, "hash_ids": [0, 1]}
    lines = [line, line | {"timestamp": 900, "hash_ids": [0, 2]}, line | {"timestamp": 9_000}]
    (tmp_path / "t.jsonl").write_bytes(b"\n".join(map(orjson.dumps, lines)))

    first, second = trace(tmp_path / "t.jsonl", 9.0)(Random(1), 1.0)[:2]

    assert (first.blocks[:8], 16) == (second.blocks[:8], len(first.blocks))
    assert first.blocks[8] != second.blocks[8]
    assert second.at == pytest.approx(0.1)
