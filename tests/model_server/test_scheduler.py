"""Turns, batches, deadlines: without a process, a thread or a clock."""

from collections.abc import Sequence
from typing import Any

import pytest

from model_server.models import Echo
from outgate.model_server.scheduler import BOUNDS, MAX_WAITING, Bounds, Request, Scheduler


class Slow(Echo):
    """A model whose pieces cost milliseconds."""

    bounds = Bounds(pieces=3, characters=300)
    takes_whole = True


class Desk:
    """A scheduler, and what was replied."""

    def __init__(self) -> None:
        self.echo = Echo()
        self.slow = Slow()
        self.scheduler = Scheduler({"echo": self.echo, "other": Echo(), "slow": self.slow})
        self.replies: dict[str, Any] = {}

    def ask(self, name: str, *items: str, model: str = "echo", options: tuple[str, ...] = (), share: str = "", **of: Any) -> None:
        def reply(results: Sequence[Any] | None, error: str) -> None:
            assert name not in self.replies
            self.replies[name] = [[one[0] for one in result] for result in results] if results is not None else error

        self.scheduler.add(Request(model, options, items, reply, share, **of))

    def work(self, turns: int = 99) -> int:
        done = 0
        while done < turns and (batch := self.scheduler.next()) is not None:
            done += 1
            self.scheduler.did(batch, self.scheduler.work(batch))
        return done


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


def test_every_item_gets_its_own_result_in_order(desk: Desk) -> None:
    desk.ask("q", "a|b", "c", "")
    desk.work()
    assert {"q": [["a", "b"], ["c"], [""]]} == desk.replies


def test_a_question_without_items_is_answered(desk: Desk) -> None:
    desk.ask("q")
    desk.work()
    assert {"q": []} == desk.replies


def test_a_long_text_does_not_hold_up_a_short_one(desk: Desk) -> None:
    desk.ask("long", "|".join("x" * 1000))
    desk.work(turns=5)
    desk.ask("short", "a")
    desk.work(turns=3)
    assert {"short": [["a"]]} == desk.replies
    desk.work(turns=2_000)
    assert [["x"] * 1000] == desk.replies["long"]


def test_pieces_of_many_questions_go_out_together_up_to_the_bound(desk: Desk) -> None:
    for number in range(BOUNDS.pieces + 3):
        desk.ask(str(number), f"text {number}")
    desk.work()
    assert [BOUNDS.pieces, 3] == [len(batch) for batch in desk.echo.batches]
    assert {str(n): [[f"text {n}"]] for n in range(BOUNDS.pieces + 3)} == desk.replies


def test_only_the_same_model_with_the_same_options_is_batched(desk: Desk) -> None:
    desk.ask("plain", "a")
    desk.ask("optional", "b", options=("!",))
    desk.ask("elsewhere", "c", model="other")
    desk.work()
    assert [("a",), ("b",)] == desk.echo.batches
    assert {"plain": [["a"]], "optional": [["b!"]], "elsewhere": [["c"]]} == desk.replies


def test_a_flood_of_one_share_does_not_hold_up_another(desk: Desk) -> None:
    for number in range(200):
        desk.ask(f"flood {number}", "|".join("x" * 100), share="a")
    desk.work(turns=250)
    desk.ask("one line", "b", share="b")
    desk.work(turns=3)
    assert [["b"]] == desk.replies["one line"]


def test_a_flood_for_one_model_does_not_hold_up_another_model(desk: Desk) -> None:
    for number in range(200):
        desk.ask(f"flood {number}", "x" * 100, share="noisy", model="slow")
    desk.ask("other", "a", share="quiet")
    desk.work(turns=4)

    assert [["a"]] == desk.replies["other"]
    desk.work(turns=9_999)
    assert 201 == len(desk.replies)
    assert max(len(batch) for batch in desk.slow.batches) == Slow.bounds.pieces


def test_a_model_has_bounds_of_its_own(desk: Desk) -> None:
    for number in range(6):
        desk.ask(str(number), "x" * 150, model="slow")
    desk.work()

    assert {2} == {len(batch) for batch in desk.slow.batches}


def test_requests_of_one_share_take_turns(desk: Desk) -> None:
    desk.ask("first", "|".join("1" * 50))
    desk.ask("second", "|".join("2" * 50))
    desk.work(turns=4)
    assert {batch.count("1") for batch in desk.echo.batches} == {BOUNDS.pieces // 2}


def test_a_batch_is_bounded_by_its_characters_too(desk: Desk) -> None:
    desk.ask("q", *(["x" * BOUNDS.characters] * 3))
    desk.work()
    assert [1, 1, 1] == [len(batch) for batch in desk.echo.batches]


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_question_that_was_taken_back_is_not_worked_on_any_more(desk: Desk, turns: int) -> None:
    desk.ask("gone", "|".join("x" * 100), owner="w", number=7)
    desk.ask("here", "b", owner="w", number=8)
    desk.work(turns=turns)
    before = len(desk.echo.batches)
    desk.scheduler.forget("w", 7)
    desk.work()
    assert {"here": [["b"]]} == desk.replies
    assert {"b"} == {piece for batch in desk.echo.batches[before:] for piece in batch}


def test_a_question_that_is_taken_back_while_it_is_cut_is_not_worked_on(desk: Desk) -> None:
    desk.ask("gone", "a", owner="w", number=7)
    batch = desk.scheduler.next()
    assert batch is not None
    desk.scheduler.forget("w", 7)
    desk.scheduler.did(batch, desk.scheduler.work(batch))
    desk.work()
    assert ({}, []) == (desk.replies, desk.echo.batches)


def test_beyond_its_bound_a_share_is_busy_and_no_other(desk: Desk) -> None:
    for number in range(MAX_WAITING + 1):
        desk.ask(str(number), "a", share="a")
    desk.ask("other", "b", share="b")
    assert {str(MAX_WAITING): "busy"} == desk.replies
    desk.work(turns=3_000)
    assert [["b"]] == desk.replies["other"]


def test_questions_of_an_asker_that_has_gone_are_forgotten(desk: Desk) -> None:
    desk.ask("gone", "a", owner="worker 1")
    desk.ask("here", "b", owner="worker 2")
    desk.scheduler.forget("worker 1")
    desk.work()
    assert {"here": [["b"]]} == desk.replies


def test_a_text_on_which_its_model_raises_is_an_error_for_who_asked_and_no_one_else(desk: Desk) -> None:
    desk.ask("bad", "fine|boom")
    desk.ask("beside it", "a")
    desk.work()
    assert {"bad": "failed", "beside it": [["a"]]} == desk.replies


def test_a_text_that_its_model_cannot_cut_is_an_error(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "split", lambda *_: 1 / 0)
    desk.ask("bad", "a")
    desk.work()
    assert {"bad": "failed"} == desk.replies


def test_a_model_that_is_not_there_is_an_error(desk: Desk) -> None:
    desk.ask("q", "a", model="nobody")
    assert {"q": "unknown_model"} == desk.replies


def test_requests_that_wait_are_counted_until_their_turn(desk: Desk) -> None:
    for number in range(3):
        desk.ask(str(number), "text", share=str(number))
    assert 3 == desk.scheduler.waiting
    desk.work()
    assert 0 == desk.scheduler.waiting
