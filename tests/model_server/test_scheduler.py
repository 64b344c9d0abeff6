"""Turns, batches, deadlines: without a process, a thread or a clock."""

from collections.abc import Sequence
from typing import Any

import pytest

from model_server.models import Echo
from outgate.model_server.scheduler import BATCH, Request, Scheduler


class Desk:
    """A scheduler with a clock that is set by hand, and what was replied."""

    def __init__(self) -> None:
        self.now = 0.0
        self.echo = Echo()
        self.scheduler = Scheduler({"echo": self.echo, "other": Echo()}, lambda: self.now)
        self.replies: dict[str, Any] = {}

    def ask(
        self, name: str, *items: str, model: str = "echo", options: tuple[str, ...] = (), wait: float = 9, owner: str = ""
    ) -> None:
        def reply(results: Sequence[Any] | None, error: str) -> None:
            assert name not in self.replies
            self.replies[name] = [[one[0] for one in result] for result in results] if results is not None else error

        self.scheduler.add(Request(model, options, items, self.now + wait, reply, owner))

    def work(self, turns: int = 99) -> int:
        done = 0
        while done < turns and (batch := self.scheduler.next()) is not None:
            done += 1
            try:
                found = self.scheduler.work(batch)
            except RuntimeError:
                self.scheduler.failed(batch)
            else:
                self.scheduler.did(batch, found)
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
    for number in range(BATCH + 3):
        desk.ask(str(number), f"text {number}")
    desk.work()
    assert [BATCH, 3] == [len(batch) for batch in desk.echo.batches]
    assert {str(n): [[f"text {n}"]] for n in range(BATCH + 3)} == desk.replies


def test_only_the_same_model_with_the_same_options_is_batched(desk: Desk) -> None:
    desk.ask("plain", "a")
    desk.ask("optional", "b", options=("!",))
    desk.ask("elsewhere", "c", model="other")
    desk.work()
    assert [("a",), ("b",)] == desk.echo.batches
    assert {"plain": [["a"]], "optional": [["b!"]], "elsewhere": [["c"]]} == desk.replies


def test_a_question_whose_asker_no_longer_waits_is_not_worked_on(desk: Desk) -> None:
    desk.ask("late", "a|b|c", wait=1)
    desk.work(turns=2)
    desk.now = 1.0
    desk.work()
    assert ({"late": "deadline"}, [("a",)]) == (desk.replies, desk.echo.batches)


def test_a_question_that_waits_behind_others_is_dropped_in_its_turn(desk: Desk) -> None:
    desk.ask("first", "a", wait=9)
    desk.ask("late", "b", wait=1)
    desk.now = 2.0
    desk.work()
    assert {"first": [["a"]], "late": "deadline"} == desk.replies
    assert [("a",)] == desk.echo.batches


def test_questions_of_an_asker_that_has_gone_are_forgotten(desk: Desk) -> None:
    desk.ask("gone", "a", owner="worker 1")
    desk.ask("here", "b", owner="worker 2")
    desk.scheduler.forget("worker 1")
    desk.work()
    assert {"here": [["b"]]} == desk.replies


def test_a_batch_that_raises_is_an_error_for_all_in_it_and_no_one_else(desk: Desk) -> None:
    desk.ask("bad", "boom")
    desk.ask("unlucky", "a")
    desk.work()
    desk.ask("next", "b")
    desk.work()
    assert {"bad": "failed", "unlucky": "failed", "next": [["b"]]} == desk.replies


def test_a_model_that_is_not_there_is_an_error(desk: Desk) -> None:
    desk.ask("q", "a", model="nobody")
    assert {"q": "unknown_model"} == desk.replies
