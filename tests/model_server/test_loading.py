"""Models are loaded when they are first asked for, once, beside the work of others; one that cannot be loaded says why."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from model_server.models import Echo
from outgate.model_server.loading import PAUSE, Loader, maker
from outgate.model_server.scheduler import MAX_WAITING, Model, Request, Scheduler, Work


class Prepared(Echo):
    """An Echo that has to be prepared, and cannot be with the option `missing`."""

    def __init__(self) -> None:
        super().__init__()
        self.prepared: list[tuple[str, ...]] = []

    def prepare(self, options: Sequence[str]) -> None:
        if "missing" in options:
            raise LookupError("no such folder")
        self.prepared.append(tuple(options))


class Desk:
    """A loader whose thread is the test."""

    def __init__(self) -> None:
        self.now, self.made, self.begun = 0.0, 0, list[Work]()
        self.model = Prepared()
        self.scheduler = Scheduler({})
        self.loader = Loader({"echo": self.make}, self.scheduler, self.begun.append, lambda: self.now)
        self.replies: dict[str, Any] = {}

    def make(self) -> Model:
        self.made += 1
        return self.model

    def ask(self, name: str, *items: str, model: str = "echo", options: tuple[str, ...] = (), **of: Any) -> None:
        def reply(results: Sequence[Any] | None, error: str) -> None:
            self.replies[name] = error if results is None else len(results)

        self.loader.add(Request(model, options, items, reply, **of))

    def load(self) -> None:
        work = self.begun.pop()
        self.loader.loaded(work, self.loader.load(work))

    def work(self) -> None:
        while (batch := self.scheduler.next()) is not None:
            self.scheduler.did(batch, self.scheduler.work(batch))


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


def test_requests_wait_for_their_model_which_is_loaded_once(desk: Desk) -> None:
    desk.ask("first", "a")
    desk.ask("second", "b", "c")
    desk.work()
    assert not desk.replies

    desk.load()
    desk.ask("third", "d")
    desk.work()
    assert {"first": 1, "second": 2, "third": 1} == desk.replies
    assert (1, []) == (desk.made, desk.begun)


def test_each_set_of_options_is_prepared_for_one_model(desk: Desk) -> None:
    desk.ask("one", "a", options=("x",))
    desk.ask("other", "a", options=("y",))
    desk.load()
    desk.load()

    assert (1, [("y",), ("x",)]) == (desk.made, desk.model.prepared)


def test_a_request_without_items_only_loads(desk: Desk) -> None:
    desk.ask("load")
    desk.load()
    desk.work()

    assert ({"load": 0}, []) == (desk.replies, desk.model.batches)


def test_what_cannot_be_loaded_says_why_and_is_tried_again_after_a_pause(desk: Desk) -> None:
    desk.ask("waits", "a", options=("missing",))
    desk.load()
    desk.ask("at once", "a", options=("missing",))
    assert {"waits": "unloadable: no such folder", "at once": "unloadable: no such folder"} == desk.replies
    assert not desk.begun

    desk.now += PAUSE
    desk.ask("later", "a", options=("missing",))
    assert [("echo", ("missing",))] == desk.begun


def test_other_options_of_the_model_are_answered_meanwhile(desk: Desk) -> None:
    desk.ask("good", "a")
    desk.load()
    desk.ask("bad", "a", options=("missing",))
    desk.ask("still", "a")
    desk.work()

    assert {"good": 1, "still": 1} == desk.replies


def test_who_stops_waiting_is_forgotten(desk: Desk) -> None:
    desk.ask("gone", "a", owner="w", number=1)
    desk.ask("stays", "a", owner="w", number=2)
    desk.loader.forget("w", 1)
    desk.load()
    desk.work()

    assert {"stays": 1} == desk.replies


def test_who_waits_for_a_model_is_bounded(desk: Desk) -> None:
    for number in range(MAX_WAITING + 1):
        desk.ask(str(number), "a")

    assert {str(MAX_WAITING): "busy"} == desk.replies


def test_a_model_that_has_no_maker_is_an_error(desk: Desk) -> None:
    desk.ask("nobody", "a", model="nobody")

    assert {"nobody": "unknown_model"} == desk.replies


@pytest.mark.parametrize("entry", ["", "pii", "pii=module", "=a:b", "pii=:b"])
def test_a_model_needs_a_name_a_module_and_a_callable(entry: str) -> None:
    with pytest.raises(ValueError, match="name=module:callable"):
        maker(entry, Path())


def keeps(state: Path) -> Path:
    return state


def test_a_model_that_asks_for_the_state_folder_gets_it() -> None:
    name, make = maker("keeps=model_server.test_loading:keeps", Path("here"))

    assert ("keeps", Path("here")) == (name, make())
    assert isinstance(maker("echo=model_server.models:Echo", Path())[1](), Echo)
