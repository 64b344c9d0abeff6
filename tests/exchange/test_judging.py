"""A judge at its place: whole parts, bounds, and failures at every look."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from detectors.fakes import FakeEvent, piece, text_of
from outgate.errors import Denial
from outgate.exchange import judging as engine
from outgate.exchange.guarded import Guarded, opened
from outgate.exchange.judging import CutError
from outgate.inference.judge import Cut, Judge, Pass, Replace
from outgate.inference.verdict import FAILED
from outgate.pipeline.contract import OnError
from support.judging import Saying, Scripted, Waiting, aio, at_once, execution_of, guarded, upper

A, B = ("a",), ("b",)


def test_a_judge_of_whole_parts_lets_nothing_of_a_stream_go_before_its_end():
    judge = Scripted(lambda text, _: Replace(text.upper()) if "needle" in text else Pass(0))
    judge.window = None
    judges = guarded(judge)
    for event in (piece("nee", A), piece("a", B), piece("dle", A)):
        assert () == at_once(judges.feed(event))
    passed = at_once(judges.finish())

    assert ("NEEDLE", "a") == (text_of(passed, A), text_of(passed, B))
    assert [("", "needle", True), ("", "a", True)] == judge.shown


def test_what_a_judge_of_whole_parts_may_hold_is_bounded():
    judge = Saying(Pass(0), window=None, most=20)
    judges = guarded(judge)

    with pytest.raises(CutError) as cut:
        for _ in range(100):
            at_once(judges.feed(piece("1234567")))

    assert ("answer_too_long", "judge_0") == (cut.value.denial.code, cut.value.denial.stage)
    assert [] == judge.shown


def test_parts_that_are_open_are_bounded(monkeypatch):
    monkeypatch.setattr(engine, "MOST_PARTS", 3)
    judges = guarded(Saying(Pass(0)))

    with pytest.raises(CutError):
        for number in range(4):
            at_once(judges.feed(piece("x", (number,))))


# failures


class Clumsy(Judge):
    """Fails at one of its looks, in one way."""

    window = 4

    def __init__(self, at: int, how: str) -> None:
        self._left, self._how = at, how

    def judge(self, part, text, final, /) -> Any:
        self._left -= 1
        if self._left >= 0:
            return Pass()
        return getattr(self, f"_{self._how}")()

    def _raise(self):
        raise RuntimeError("secret text")

    def _cancel(self):
        raise asyncio.CancelledError

    def _recursion(self):
        raise RecursionError

    def _memory(self):
        raise MemoryError

    def _nothing(self):
        return None

    def _greedy(self):
        return Pass(5)

    def _negative(self):
        return Pass(-1)

    def _bytes(self):
        return Replace(b"bytes")

    def _empty(self):
        return Cut(None)

    async def _hang(self):
        await asyncio.Event().wait()

    async def _late(self):
        await asyncio.sleep(0)
        raise RuntimeError("late")

    async def _abandon(self):
        await asyncio.sleep(0)
        raise asyncio.CancelledError


WAYS = [name.removeprefix("_") for name in vars(Clumsy) if name.startswith("_") and not name.startswith("__")]
ANSWER = [piece("one "), piece("two "), FakeEvent(), piece("three", B), FakeEvent(closes=(B,)), FakeEvent(last=True)]
TEXTS = ("one two ", "three")


async def passed_by(judge: Judge, **fields: Any) -> tuple[str, str, str, str]:
    """What of the answer goes on, of each part, and how it ended: denial code and word in the trace."""
    execution = execution_of({"clumsy": judge}, **fields)
    judges, passed, code = opened(execution), [], ""
    assert isinstance(judges, Guarded)
    try:
        for event in ANSWER:
            passed += await judges.feed(event)
        passed += await judges.finish()
    except CutError as cut:
        code = cut.denial.code
    finally:
        judges.close()
    return text_of(passed), text_of(passed, B), code, execution.trace[-1].verdict


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("at", range(5))
@aio
async def test_a_judge_that_fails_at_any_look_ends_the_answer_and_nothing_unjudged_leaves(at, how):
    first, second, code, word = await passed_by(Clumsy(at, how), limit=0.02)

    assert ("stage_timeout" if how == "hang" else "stage_failed", "error") == (code, word)
    assert TEXTS[0].startswith(first)
    assert TEXTS[1].startswith(second)
    assert len(first + second) <= max(0, 4 * at - 4) + 4


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("on_error", [OnError.OPEN, OnError.FALLBACK])
@aio
async def test_a_judge_that_fails_open_at_any_look_loses_nothing_of_the_answer(at, how, on_error):
    fallback = ("unknown",) if on_error is OnError.FALLBACK else ()

    assert (*TEXTS, "", "error") == await passed_by(Clumsy(at, how), limit=0.02, on_error=on_error, fallback=fallback)


@pytest.mark.parametrize(("on_error", "fact"), [(OnError.OPEN, FAILED), (OnError.FALLBACK, "unknown"), (OnError.DENY, FAILED)])
@aio
async def test_the_fact_of_a_judge_that_failed_is_what_its_contract_says(on_error, fact):
    execution = execution_of(
        {"clumsy": Clumsy(0, "raise")}, on_error=on_error, fallback=("unknown",) if on_error is OnError.FALLBACK else ()
    )
    judges = opened(execution)
    with suppress(CutError):
        await judges.feed(piece("x"))
        await judges.finish()
    judges.close()

    assert fact == execution.get("verdict.out.clumsy")


@pytest.mark.parametrize("at", range(5))
@aio
async def test_a_client_that_leaves_while_a_judge_waits_ends_the_exchange_at_once(at):
    judge = Clumsy(at, "hang")
    task = asyncio.ensure_future(passed_by(judge, limit=30, on_error=OnError.OPEN))
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@aio
async def test_a_cancellation_that_a_judge_keeps_to_itself_is_heard():
    class Deaf(Judge):
        async def judge(self, part, text, final, /):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return Pass(0)

    task = asyncio.ensure_future(passed_by(Deaf(), limit=30))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@aio
async def test_a_judge_without_a_limit_is_bounded_all_the_same(monkeypatch):
    monkeypatch.setattr(engine, "LIMIT", 0.01)

    assert "stage_timeout" == (await passed_by(Clumsy(0, "hang")))[2]


@aio
async def test_a_judge_that_waits_decides_like_one_that_does_not():
    events = [piece("ab"), piece("c"), piece("def")]
    judges = guarded(Waiting(upper, window=2), limit=5.0)
    passed = [out for event in events for out in await judges.feed(event)]

    assert "ABCDEF" == text_of([*passed, *await judges.finish()])


@pytest.mark.parametrize("where", ["passed", "verdict"])
@aio
async def test_a_judge_that_fails_beside_its_decisions_fails_too(where):
    def fail(*_):
        raise RuntimeError

    judge = type("Failing", (Saying,), {where: fail})(Pass(0))

    assert "stage_failed" == (await passed_by(judge))[2]


def test_a_judge_that_holds_whole_answers_and_does_not_say_so_is_denied():
    execution = execution_of({"clumsy": Saying(Pass(0), window=None)}, holds=None)
    refused = opened(execution)

    assert isinstance(refused, Denial)
    assert ("stage_failed", "clumsy") == (refused.code, refused.stage)
