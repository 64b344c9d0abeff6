import math
import struct
from collections.abc import Sequence

import pytest

from outgate.answers.evaluation import Pair, Row, rows, summary
from outgate.answers.judgement import Verdict, cosine


def vector(*values: float) -> bytes:
    length = math.hypot(*values)
    return struct.pack(f"<{len(values)}f", *(value / length for value in values))


class FakeEncoder:
    """Points by the number of characters."""

    name, version, dimension = "fake", "fake-1", 2

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        return [vector(1, len(text)) for text in texts]


class FakeJudgement:
    """Serves texts of one length, and vetoes what holds an x."""

    least = 0.9

    def judge(self, asked: str, stored: str, similarity: float) -> Verdict:
        if "x" in asked + stored:
            return Verdict(served=False, score=None, vetoes=("name",))
        return Verdict(served=similarity > 0.9999, score=0.97, vetoes=())


PAIRS = [
    Pair("ab", "cd", same=True, kind="rewording"),
    Pair("ab", "c", same=True, kind="rewording"),
    Pair("ab", "ef", same=False, kind="entity"),
    Pair("ab", "ax", same=False, kind="entity"),
]


def test_cosine_of_unit_vectors() -> None:
    assert cosine(vector(1, 0), vector(1, 1)) == pytest.approx(math.sqrt(0.5))


def test_pairs_are_judged_in_order_as_the_service_would() -> None:
    judged = rows(PAIRS, FakeEncoder(), FakeJudgement())

    assert Row(True, 1.0, 0.97, ()) == judged[0]
    assert [True, False, True, False] == [row.hit for row in judged]
    assert ("name",) == judged[3].vetoes
    assert 0.0 == judged[3].verified


def test_the_summary_tells_rates_whole_and_by_kind() -> None:
    told = summary(PAIRS, rows(PAIRS, FakeEncoder(), FakeJudgement()))

    assert {"pairs": 2, "served": 1, "rate": 0.5} == told["same"] == told["kinds"]["rewording (same)"]
    assert {"pairs": 2, "served": 1, "rate": 0.5} == told["different"] == told["kinds"]["entity (different)"]
    assert 0.5 == told["precision"]
    assert {"name": 1} == told["vetoes"]["different"]
    assert {"score": 0.98, "same": 0.0, "different": 0.0} == told["curve"][-3]
    assert {"score": 0.97, "same": 1.0, "different": 0.5} == told["curve"][-4]


def test_without_pairs_of_a_sort_there_is_no_rate() -> None:
    assert None is summary(PAIRS[:1], rows(PAIRS[:1], FakeEncoder(), FakeJudgement()))["different"]["rate"]
