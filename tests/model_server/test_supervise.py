"""Restarts of the model server, with a clock and children of the test's own."""

import asyncio
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from outgate.model_server.supervise import SILENT, STARTING, TICK, ModelServerSupervisor, is_alive, listening, spawn
from outgate.model_server.wire import ModelServerError


class EndedError(Exception):
    """The script is over."""


class Script:
    """Children that live as long as the script says; a negative life is a child that does not start."""

    def __init__(self, *lives: float) -> None:
        self.lives = list(lives)
        self.now = 0.0
        self.pauses: list[float] = []
        self.said: list[str] = []
        self.counted: list[tuple[str, tuple[str, ...], float]] = []

    async def spawn(self) -> "Script":
        if not self.lives:
            raise EndedError
        if self.lives[0] < 0:
            self.lives.pop(0)
            raise OSError(2, "No such file")
        return self

    async def wait(self) -> int:
        await asyncio.sleep(0)  # it is asked once
        self.now += self.lives.pop(0)
        return 1

    async def alive(self) -> bool:
        return self.lives[0] > 0

    def kill(self) -> None:
        raise AssertionError("killed")

    async def sleep(self, seconds: float) -> None:
        if seconds == TICK:
            await asyncio.Event().wait()
        self.pauses.append(seconds)
        self.now += seconds

    def run(self) -> ModelServerSupervisor:
        supervisor = ModelServerSupervisor(
            self.spawn, self.alive, lambda: self.now, self.said.append, self.sleep, lambda *counted: self.counted.append(counted)
        )
        with pytest.raises(EndedError):
            asyncio.run(supervisor.run())
        return supervisor


def test_operators_read_one_line_when_it_ends_and_one_when_it_is_back() -> None:
    script = Script(31.0, 0.0, 0.0, 40.0)
    script.run()
    assert [
        "model server ended with 1, restarting; requests that need it are refused",
        "model server is back after 0.7 s",
        "model server ended with 1, restarting; requests that need it are refused",
    ] == script.said


def test_ends_are_counted_by_reason_and_whether_it_is_up() -> None:
    script = Script(31.0, -1)
    script.run()
    assert [
        ("outgate_model_server_up", (), 1.0),
        ("outgate_model_server_restarts_total", ("ended",), 1.0),
        ("outgate_model_server_up", (), -1.0),
        ("outgate_model_server_restarts_total", ("unstartable",), 1.0),
    ] == script.counted


class Stopped:
    """A child that answers so many questions, and then lives on in silence until it is killed."""

    def __init__(self, answers: int) -> None:
        self.answers, self.asked = answers, 0
        self.killed = asyncio.Event()

    async def wait(self) -> int:
        await self.killed.wait()
        return -9

    def kill(self) -> None:
        self.killed.set()

    async def alive(self) -> bool:
        self.asked += 1
        return self.asked <= self.answers


@pytest.mark.parametrize(("answers", "asked"), [(3, 3 + SILENT), (0, STARTING)])
def test_a_child_that_does_not_answer_any_more_is_killed_and_another_started(answers: int, asked: int) -> None:
    said: list[str] = []

    async def scenario() -> Stopped:
        children = [Stopped(answers)]

        async def start() -> Stopped:
            if not (children and not children[0].killed.is_set()):
                raise EndedError
            return children[0]

        supervisor = ModelServerSupervisor(start, children[0].alive, lambda: 0.0, said.append, lambda _: asyncio.sleep(0))
        with pytest.raises(EndedError):
            await supervisor.run()
        assert not supervisor.up
        return children[0]

    assert asked == asyncio.run(scenario()).asked
    assert ["model server does not answer, restarting; requests that need it are refused"] == said


def test_a_child_that_keeps_dying_is_started_ever_later() -> None:
    script = Script(*[0.0] * 11)
    assert 11 == script.run().starts
    assert [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0] == pytest.approx(script.pauses)


def test_a_child_that_worked_is_started_again_soon() -> None:
    script = Script(0.0, 0.0, 31.0, 0.0)
    script.run()
    assert [0.1, 0.2, 0.1, 0.2] == pytest.approx(script.pauses)


def test_a_child_that_cannot_be_started_is_tried_again() -> None:
    script = Script(-1, -1, 0.0)
    assert (1, 3) == (script.run().starts, len(script.pauses))
    assert ["model server cannot be started (No such file), restarting; requests that need it are refused"] == script.said


def test_stopping_kills_the_child_and_starts_no_other() -> None:
    killed: list[bool] = []
    said: list[str] = []
    running = asyncio.Event()

    class Forever:
        async def wait(self) -> int:
            running.set()
            while not killed:
                await asyncio.Event().wait()
            return -9

        def kill(self) -> None:
            killed.append(True)

    async def scenario() -> int:
        async def start() -> Forever:
            return Forever()

        async def silent() -> bool:
            return False

        supervisor = ModelServerSupervisor(start, silent, lambda: 0.0, said.append)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(supervisor.run())
            await running.wait()
            task.cancel()
        return supervisor.starts

    assert (1, [True], []) == (asyncio.run(scenario()), killed, said)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_child_that_was_killed_or_stopped_is_replaced_and_takes_questions_again(tmp_path: Path, how: signal.Signals) -> None:
    path = str(tmp_path / "s")
    children: list[asyncio.subprocess.Process] = []
    said: list[str] = []

    async def start() -> object:
        child = await spawn(path, _environ(), ["pii=model_server.models:Echo"])
        children.append(child)
        return child

    async def scenario() -> None:
        answered = asyncio.Event()

        async def alive() -> bool:
            answers = await is_alive(path)
            if answers:
                answered.set()
            return answers

        supervisor = ModelServerSupervisor(start, alive, asyncio.get_running_loop().time, said.append)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(supervisor.run())
            await answered.wait()
            children[0].send_signal(how)
            await children[0].wait()
            await listening(path, 30)
            task.cancel()
        assert (2, -9) == (supervisor.starts, children[0].returncode)
        assert 1 <= len(said)

    asyncio.run(scenario())


def _environ() -> Mapping[str, str]:
    import os

    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}


def test_no_secret_of_ours_reaches_the_child(tmp_path: Path) -> None:
    shown = tmp_path / "environ"
    (tmp_path / "sitecustomize.py").write_text(
        f"import os\nopen({str(shown)!r}, 'w').write(' '.join(os.environ))\nraise SystemExit"
    )

    async def scenario() -> None:
        environ = {"PYTHONPATH": str(tmp_path), "OPENAI_API_KEY": "canary", "PATH": ""}
        await (await spawn(str(tmp_path / "s"), environ)).wait()

    asyncio.run(scenario())
    assert {"PYTHONPATH", "PATH", "OMP_NUM_THREADS", "HF_HUB_OFFLINE"} <= set(shown.read_text().split())
    assert "OPENAI_API_KEY" not in shown.read_text()


def test_waiting_for_a_model_server_that_never_listens_ends(tmp_path: Path) -> None:
    with pytest.raises(ModelServerError, match="down"):
        asyncio.run(listening(str(tmp_path / "s"), 0.05))
