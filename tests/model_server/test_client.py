"""Deadlines, back-pressure, restarts, hostile answers: a worker never waits for the model server longer than it said."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from model_server.models import Echo
from model_server.serving import serving
from outgate.inference.finding import Finding
from outgate.model_server.client import ModelClient
from outgate.model_server.wire import Frames, ModelServerError, frame


def _found(*words: str) -> tuple[Finding, ...]:
    return tuple(Finding(word, 0, 1, 1.0) for word in words)


async def _code(asked: Awaitable[object]) -> str:
    with pytest.raises(ModelServerError) as caught:
        await asked
    return caught.value.code


def test_texts_in_findings_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "s", Echo()):
            client = ModelClient(str(tmp_path / "s"))
            assert [_found("a", "b"), _found("c")] == await client.detect_pii(["a|b", "c"], ())
            assert [] == await client.detect_pii([], ())
            await client.close()

    asyncio.run(scenario())


def test_each_question_is_told_with_its_outcome(tmp_path: Path) -> None:
    told: list[tuple[tuple[str, str], float]] = []

    async def scenario() -> None:
        echo = Echo()
        client = ModelClient(str(tmp_path / "s"), lambda labels, seconds: told.append((labels, seconds)))
        await _code(client.ask("pii", ["a"]))
        async with serving(tmp_path / "s", echo):
            await client.ask("pii", ["a"])
            await _code(client.ask("pii", ["boom"]))
            await _code(client.ask("nobody", ["a"]))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.ask("pii", ["wait"]), 0.01)
            await client.close()

    asyncio.run(scenario())
    assert [("pii", "down"), ("pii", "ok"), ("pii", "failed"), ("nobody", "unknown_model"), ("pii", "abandoned")] == [
        labels for labels, _ in told
    ]
    assert all(seconds >= 0 for _, seconds in told)


def test_an_model_server_that_is_not_there_fails_at_once(tmp_path: Path) -> None:
    client = ModelClient(str(tmp_path / "nobody"))
    assert "down" == asyncio.run(_code(client.detect_pii(["a"], ())))


def test_a_model_that_raises_is_an_error_without_its_words(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(tmp_path / "s", Echo()):
            client = ModelClient(str(tmp_path / "s"))
            with pytest.raises(ModelServerError) as caught:
                await client.detect_pii(["boom"], ())
            assert ("failed", False) == (caught.value.code, "prompt" in str(caught.value))
            assert [_found("a")] == await client.detect_pii(["a"], ())
            await client.close()

    asyncio.run(scenario())


def test_who_stops_waiting_takes_the_question_back_and_what_it_held_is_not_worked_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        echo = Echo()
        async with serving(tmp_path / "s", echo):
            client = ModelClient(str(tmp_path / "s"))
            await client.detect_pii(["connects"], ())
            async with asyncio.TaskGroup() as tasks:
                asked = [tasks.create_task(client.detect_pii(["wait"], ()))]
                await asyncio.to_thread(echo.waiting.wait)
                asked.append(tasks.create_task(client.detect_pii(["abandoned"], ())))
                await asyncio.sleep(0)
                for task in asked:
                    task.cancel()
            echo.go.set()
            assert [_found("a")] == await client.detect_pii(["a"], ())
            assert "abandoned" not in {piece for batch in echo.batches for piece in batch}
            await client.close()

    asyncio.run(scenario())


def test_questions_of_a_worker_that_has_gone_are_not_worked_on(tmp_path: Path) -> None:
    async def scenario() -> None:
        echo = Echo()
        async with serving(tmp_path / "s", echo):
            client, other = ModelClient(str(tmp_path / "s")), ModelClient(str(tmp_path / "s"))
            await client.detect_pii(["connects"], ())
            async with asyncio.TaskGroup() as tasks:
                held = tasks.create_task(other.detect_pii(["wait"], ()))
                await asyncio.to_thread(echo.waiting.wait)
                asked = tasks.create_task(_code(client.detect_pii(["abandoned"], ())))
                await asyncio.sleep(0)
                await client.close()
                assert "down" == await asked
                echo.go.set()
                await held
            assert [_found("a")] == await other.detect_pii(["a"], ())
            assert "abandoned" not in {piece for batch in echo.batches for piece in batch}
            await other.close()

    asyncio.run(scenario())


def test_after_a_restart_the_same_client_asks_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        client = ModelClient(str(tmp_path / "s"))
        for _ in range(2):
            async with serving(tmp_path / "s", Echo()):
                assert [_found("a")] == await client.detect_pii(["a"], ())
                await client.close()
            (tmp_path / "s").unlink(missing_ok=True)
            assert "down" == await _code(client.detect_pii(["a"], ()))

    asyncio.run(scenario())


async def _against(path: Path, answer: Callable[[int], bytes | None], asked: Callable[[ModelClient], Awaitable[None]]) -> None:
    """A scripted client: bytes for each request's id, None to hang up."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames()
        while data := await reader.read(65_536):
            for message in frames.feed(data):
                raw = answer(message["id"])
                writer.write(raw or b"")
                if raw is None:
                    writer.close()
                    return

    server = await asyncio.start_unix_server(behave, str(path))
    async with server:
        client = ModelClient(str(path))
        await asked(client)
        await client.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(lambda _: None, "down", id="hangs up"),
        pytest.param(lambda _: b"\xff\xff\xff\xff", "down", id="a frame beyond the bound"),
        pytest.param(lambda _: b"\x00\x00\x00\x01x", "down", id="not JSON"),
        pytest.param(lambda n: frame({"id": n, "results": "x"}), "protocol", id="results that are no list"),
        pytest.param(lambda n: frame({"id": n, "results": []}), "protocol", id="too few results"),
        pytest.param(lambda n: frame({"id": n, "results": [[["E", 0]]]}), "protocol", id="not a finding"),
        pytest.param(lambda n: frame({"id": n, "results": [5]}), "protocol", id="not findings"),
        pytest.param(lambda n: frame({"id": n}), "protocol", id="neither results nor error"),
        pytest.param(lambda n: frame({"id": n, "error": "busy"}), "busy", id="an error"),
    ],
)
def test_a_hostile_answer_is_an_error(tmp_path: Path, answer: Callable[[int], bytes | None], code: str) -> None:
    async def asked(client: ModelClient) -> None:
        assert code == await _code(client.detect_pii(["a"], ()))

    asyncio.run(_against(tmp_path / "s", answer, asked))


def test_an_answer_nobody_asked_for_is_dropped(tmp_path: Path) -> None:
    def answer(number: int) -> bytes:
        stray = frame({"id": number + 7, "results": [[["WRONG", 0, 1, 1.0]]]}) + frame({"results": []})
        return stray + frame({"id": number, "results": [[["RIGHT", 0, 1, 1.0]]]}) + stray

    async def asked(client: ModelClient) -> None:
        for _ in range(3):
            assert [_found("RIGHT")] == await client.detect_pii(["a"], ())

    asyncio.run(_against(tmp_path / "s", answer, asked))


def test_text_that_is_not_unicode_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    assert "unencodable" == asyncio.run(_code(ModelClient(str(tmp_path / "s")).detect_pii(["\ud800"], ())))


def test_each_answer_tells_how_full_the_server_was(tmp_path: Path) -> None:
    told: list[tuple[str, tuple[str], float]] = []

    async def scenario() -> None:
        async with serving(tmp_path / "s", Echo()):
            client = ModelClient(str(tmp_path / "s"), observe_load=lambda *figure: told.append(figure))
            await client.ask("pii", ["a|b|c"])
            await _code(client.ask("pii", ["boom"]))
            await client.close()

    asyncio.run(scenario())
    assert [("outgate_model_batch_pieces", ("pii",), 3), ("outgate_model_queue_requests", ("pii",), 0)] == told
