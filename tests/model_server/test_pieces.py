"""Many pieces of text in portions, each answer remembered as it comes in."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from outgate.inference.finding import Finding
from outgate.inference.principal import Principal
from outgate.model_server.pieces import PORTION, PiiPieces, portions
from outgate.model_server.wire import ModelServerDownError
from outgate.stores.memo import Memo

ACME = Principal(name="w", tenant="acme")


class Models:
    """Finds the first letter of each text. Goes down after so many questions."""

    def __init__(self, answers: int = 99) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []
        self.shares: list[str] = []

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str) -> list[tuple[Finding, ...]]:
        if not self.answers:
            raise ModelServerDownError
        self.answers -= 1
        self.asked.append(list(texts))
        self.shares.append(share)
        return [(Finding(entities[0], 0, 1, 1.0),) for _ in texts]


def test_every_text_gets_its_findings_and_is_asked_about_once() -> None:
    models = Models()
    pieces = PiiPieces(models, Memo(bytes(32)), ("E",))
    found = asyncio.run(pieces.findings(["a", "b", "a"], ACME))
    assert {"a": (Finding("E", 0, 1, 1.0),), "b": (Finding("E", 0, 1, 1.0),)} == found
    assert found == asyncio.run(pieces.findings(["b", "a"], ACME))
    assert ([["a", "b"]], ["acme/w"]) == (models.asked, models.shares)


def test_what_was_answered_before_the_end_is_not_asked_about_again() -> None:
    memo, texts = Memo(bytes(32)), [f"{number}" * PORTION for number in range(5)]
    first, second = Models(answers=3), Models()
    with pytest.raises(ModelServerDownError):
        asyncio.run(PiiPieces(first, memo, ("E",)).findings(texts, ACME))
    assert set(texts) == set(asyncio.run(PiiPieces(second, memo, ("E",)).findings(texts, ACME)))
    assert [[text] for text in texts] == first.asked + second.asked


def test_other_tenants_and_other_entities_have_answers_of_their_own() -> None:
    models, memo = Models(), Memo(bytes(32))
    asyncio.run(PiiPieces(models, memo, ("E",)).findings(["a"], ACME))
    asyncio.run(PiiPieces(models, memo, ("E",)).findings(["a"], Principal(name="w", tenant="emca")))
    assert {"a": (Finding("F", 0, 1, 1.0),)} == asyncio.run(PiiPieces(models, memo, ("F",)).findings(["a"], ACME))
    assert [["a"]] * 3 == models.asked


def test_portions_are_bounded_and_nothing_is_lost() -> None:
    texts = ["x" * length for length in (10, PORTION, PORTION * 3, 1, 2, 5_000, 5_000, 0)]
    some = list(portions(texts))
    assert texts == [text for portion in some for text in portion]
    assert all(len(portion) == 1 or sum(map(len, portion)) <= PORTION for portion in some)
    assert all(sum(map(len, first + second)) > PORTION for first, second in pairwise(some))
    assert [] == list(portions([]))
