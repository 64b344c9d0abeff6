"""The model server as a process: its answers, its cost, its end."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from model_server.models import Echo
from model_server.serving import serving
from outgate.model_server.client import ModelClient
from outgate.model_server.process import listening
from outgate.model_server.scheduler import MAX_WAITING
from outgate.model_server.supervise import listening as is_listening
from outgate.model_server.supervise import spawn
from outgate.model_server.wire import Frames, ModelServerError, frame

pytestmark = pytest.mark.slow


def test_it_finds_structured_personal_data(model_server_process: tuple[subprocess.Popen[bytes], str]) -> None:
    async def scenario() -> list[list[tuple[str, int, int]]]:
        client = ModelClient(model_server_process[1])
        texts = ["to jane@example.com", "nothing", "x" * 9_000 + " 4111 1111 1111 1111"]
        found = await client.detect_pii(texts, ("EMAIL_ADDRESS", "CREDIT_CARD"))
        await client.close()
        return [[one[:3] for one in findings] for findings in found]

    assert [[("EMAIL_ADDRESS", 3, 19)], [], [("CREDIT_CARD", 9_001, 9_020)]] == asyncio.run(scenario())


def test_an_answer_that_cannot_be_sent_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Echo, "merge", lambda *_: object())

    async def scenario() -> None:
        async with serving(tmp_path / "s", Echo()):
            client = ModelClient(str(tmp_path / "s"))
            with pytest.raises(ModelServerError, match="unencodable"):
                await client.detect_pii(["a"], ())
            await client.close()

    asyncio.run(scenario())


def test_it_stays_within_its_memory(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        child = await spawn(str(tmp_path / "s"), os.environ)
        client = ModelClient(str(tmp_path / "s"))
        peaks = []
        try:
            await is_listening(str(tmp_path / "s"), 60)
            peaks.append(_peak(child.pid))
            await client.detect_pii(["to jane@example.com"], ("EMAIL_ADDRESS",))
            peaks.append(_peak(child.pid))
            await client.ask("embed", ["word " * 400] * 32)
            peaks.append(_peak(child.pid))
        finally:
            await client.close()
            child.kill()
            await child.wait()
        return peaks

    for peak, most in zip(asyncio.run(scenario()), (40, 110, 220), strict=True):
        assert peak < most


def _peak(process: int) -> int:
    """The most memory that a process has had, in MB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


def test_its_socket_is_for_its_user_alone(socket_path: Path) -> None:
    assert 0o600 == stat.S_IMODE(socket_path.stat().st_mode)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "s"
    command = [
        sys.executable,
        "-m",
        "outgate.model_server.process",
        "--socket",
        str(path),
        "--model",
        "pii=model_server.models:Echo",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd="tests") as process:
        assert process.stdin is not None
        process.stdin.close()
        assert 0 == process.wait(30)


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("stale")
    listener = listening(tmp_path / "s")
    assert stat.S_ISSOCK((tmp_path / "s").stat().st_mode)
    listener.close()


@pytest.mark.parametrize(
    "message",
    [{}, {"id": 1}, {"id": "x", "model": "pii", "options": [], "items": [], "share": ""}, {"id": 1, "items": "text"},
     {"id": 1, "model": "pii", "options": [], "items": [5], "share": ""}, {"id": 1, "model": "pii", "options": [], "items": []},
     {"cancel": "x"}],
)  # fmt: skip
def test_a_question_that_is_none_ends_the_connection(tmp_path: Path, message: dict) -> None:
    async def scenario() -> bytes:
        async with serving(tmp_path / "s", Echo()):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            writer.write(frame(message))
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

    assert b"" == asyncio.run(scenario())


def test_too_many_questions_of_one_share_are_refused_and_no_others(tmp_path: Path) -> None:
    async def scenario() -> dict[int, str]:
        echo = Echo()
        async with serving(tmp_path / "s", echo):
            reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
            asked = {"model": "pii", "options": [], "items": ["wait"], "share": "a"}
            writer.write(frame(asked | {"id": -1}))
            await asyncio.to_thread(echo.waiting.wait)
            writer.write(b"".join(frame(asked | {"id": number}) for number in range(MAX_WAITING + 2)))
            writer.write(frame(asked | {"id": -2, "share": "b", "model": "nobody"}))
            frames, errors = Frames(), {}
            while len(errors) < 3:
                errors |= {message["id"]: message["error"] for message in frames.feed(await reader.read(65_536))}
            writer.close()
            return errors

    assert {MAX_WAITING: "busy", MAX_WAITING + 1: "busy", -2: "unknown_model"} == asyncio.run(scenario())
