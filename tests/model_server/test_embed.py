"""The model `embed`: a vector over the wire for each text, whatever the text is."""

import asyncio
import os
from array import array
from base64 import b64decode
from math import isclose, sumprod
from pathlib import Path

import pytest

from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedder
from outgate.model_server.supervise import listening, spawn
from outgate.model_server.wire import ModelServerDownError, ModelServerError


async def _vectors(socket: Path, *texts: str) -> list[array[float]]:
    client = ModelClient(str(socket))
    try:
        return [array("f", b64decode(answer)) for answer in await client.ask("embed", texts)]
    finally:
        await client.close()


def test_texts_in_unit_vectors_out(socket_path: Path) -> None:
    cat, cats, tax = asyncio.run(
        _vectors(socket_path, "The cat sits outside.", "A cat is sitting outdoors.", "How is tax computed?")
    )

    assert {384} == {len(cat), len(cats), len(tax)}
    assert isclose(1, sumprod(cat, cat), abs_tol=1e-5)
    assert sumprod(cat, cats) > 0.8 > 0.3 > sumprod(cat, tax)


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "word " * 400_000, "字" * 100_000, "x" * 1_000_000], ids=lambda text: f"{text[:2]!r} {len(text)}"
)
def test_empty_and_giant_texts_have_vectors(socket_path: Path, text: str) -> None:
    (vector,) = asyncio.run(_vectors(socket_path, text))

    assert isclose(1, sumprod(vector, vector), abs_tol=1e-5)


def test_a_lone_surrogate_is_refused_where_it_is_asked(socket_path: Path) -> None:
    with pytest.raises(ModelServerError) as caught:
        asyncio.run(_vectors(socket_path, "\ud800"))
    assert caught.value.code == "unencodable"


def test_options_name_the_embedder(socket_path: Path) -> None:
    async def scenario() -> list[bytes]:
        client = ModelClient(str(socket_path))
        asked = [(), Embedder.packaged().options, Embedder.packaged("fp32").options]
        answers = [(await client.ask("embed", ["Book a flight."], options=options))[0] for options in asked]
        await client.close()
        return answers

    default, int8, fp32 = asyncio.run(scenario())
    assert default == int8 != fp32


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("onnx", "int8", "another version"), "have changed since the policy was loaded"),
        (("onnx", "int4", ""), "has no model"),
        (("sentence-transformers", "/nowhere", ""), "/nowhere is no folder"),
        (("tensorflow", "", ""), "tensorflow"),
        (("onnx",), "missing"),
    ],
)
def test_what_cannot_be_loaded_is_told_and_others_are_answered(socket_path: Path, options: tuple[str, ...], why: str) -> None:
    async def scenario() -> list[str]:
        client, told = ModelClient(str(socket_path)), list[str]()
        await client.prepare([("embed", options)], told.append)
        with pytest.raises(ModelServerError, match="unloadable"):
            await client.ask("embed", ["a"], options=options)
        await client.ask("embed", ["a"])
        await client.close()
        return told

    (told,) = asyncio.run(scenario())
    assert told.startswith("model embed: ")
    assert why in told


@pytest.mark.slow
def test_killed_in_the_middle_of_a_question_it_is_down_at_once_and_the_next_one_answers(tmp_path: Path) -> None:
    path = str(tmp_path / "s")

    async def scenario() -> None:
        client = ModelClient(path)
        child = await spawn(path, os.environ)
        await listening(path, 60)
        await client.ask("embed", ["loads it"])
        asked = asyncio.ensure_future(client.ask("embed", [f"a long text, number {number}. " * 40 for number in range(2_000)]))
        await asyncio.sleep(0)
        child.kill()
        with pytest.raises(ModelServerDownError):
            await asked
        await child.wait()
        child = await spawn(path, os.environ)
        await listening(path, 60)
        assert 1 == len(await client.ask("embed", ["again"]))
        await client.close()
        child.kill()
        await child.wait()

    asyncio.run(scenario())
