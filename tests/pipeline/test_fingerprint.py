import pytest

from outgate.pipeline.compiler import compile_plan
from outgate.pipeline.contract import OnError
from pipeline.standard import CACHE, MODEL_MAP, STANDARD, swap, vary


def test_the_hash_knows_neither_revision_nor_place():
    moved = tuple(placement._replace(source="policy.yaml:9") for placement in STANDARD)

    assert compile_plan(STANDARD, revision="a").hash == compile_plan(moved, revision="b").hash
    assert "a" == compile_plan(STANDARD, revision="a").revision


@pytest.mark.parametrize(
    "change",
    [{"cost": 0.03}, {"passes": 0.7}, {"limit": 1.0}, {"outside": "policy.revision"}, {"optional": "tools"}],
    ids=lambda change: next(iter(change)),
)
def test_the_hash_knows_every_field(change):
    assert compile_plan(STANDARD).hash != compile_plan(swap(vary(CACHE, **change))).hash


class _Anything:
    pass


def test_a_fallback_without_a_stable_text_is_told_by_its_type():
    def hash_of(fallback):
        return compile_plan(swap(vary(MODEL_MAP, on_error=OnError.FALLBACK, fallback=fallback))).hash

    assert hash_of((_Anything(), "p")) == hash_of((_Anything(), "p"))
    assert hash_of((_Anything(), "p")) != hash_of((_Anything(), "q"))
    assert hash_of((("a", OnError.OPEN), "p")) != hash_of((("a", OnError.DENY), "p"))
