"""The model `embed`: a vector over the wire for each text, whatever the text is."""

import asyncio
from array import array
from base64 import b64decode
from math import isclose, sumprod
from pathlib import Path

import pytest

from outgate.model_server.client import ModelClient
from outgate.model_server.wire import ModelServerError


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
