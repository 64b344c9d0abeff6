"""Fuzzing of the codecs: garbage is parsed or raises WireError, never any other error; cutting it in pieces changes nothing.

FUZZ_SECONDS per target (60 by default); a failure prints its seed, and hypothesis keeps the example.
"""

import itertools
import os
import random
import time
import zlib

import pytest

from outgate.dialects.registry import operation_for
from outgate.dialects.sse import SseParser
from outgate.errors import WireError
from outgate.net.authority import parse_authority
from outgate.net.decompress import DecodingLimits, decode
from support.anthropic_answers import message_events
from support.openai_answers import chat_events
from support.responses_answers import response_events
from support.responses_bodies import RESPONSES_RICH
from support.sse import compact
from support.wire_bodies import Spoken

SECONDS = float(os.environ.get("FUZZ_SECONDS", "60"))
CHAT = compact(
    {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "hi é 𝄞"}, {"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "max_tokens": 12,
    }
)
MESSAGES = compact(
    {
        "model": "claude-sonnet-4-5",
        "max_tokens": 9,
        "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": "hi"}],
    }
)
PIECES = (
    b"\\u0000",
    b"\\ud800",
    b"NaN",
    b"1e999",
    b"[" * 80,
    b'{"a":1,"a":2}',
    b"\xff",
    b"\xef\xbb\xbf",
    b"null",
    b"9" * 400,
    b"\n\n",
    b"\r",
    b'"',
)


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """`seed` with one to eight bytes or pieces changed, moved, doubled or cut."""
    data = bytearray(seed)
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data) + 1)
        end = min(len(data), at + dice.randint(0, 12))
        match dice.randrange(5):
            case 0:
                data[at:at] = dice.choice(PIECES)
            case 1:
                del data[at:end]
            case 2:
                data[at:end] = dice.randbytes(dice.randint(1, 4))
            case 3:
                data[at:at] = data[at:end]
            case _:
                del data[at:]
    return bytes(data)


def cases(seed: bytes, name: str):
    """Mutations of `seed` until the time is up, each with the number that makes it again."""
    end, number = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        number += 1
        yield number, mutated(seed, random.Random(f"{name}-{number}"))


def tried(record_property, count: int, refused: int) -> None:
    record_property("cases", count)
    record_property("refused", refused)
    assert 0 < refused < count


@pytest.mark.parametrize(
    ("path", "seed"),
    [("/v1/chat/completions", CHAT), ("/v1/messages", MESSAGES), ("/v1/responses", compact(RESPONSES_RICH))],
    ids=["openai", "anthropic", "responses"],
)
def test_bodies_are_read_or_refused_and_survive_their_own_encoding(path, seed, record_property):
    operation = operation_for("POST", path)
    reader = Spoken(operation.dialect)
    number = refused = 0
    for number, body in cases(seed, path):
        try:
            request = reader.decode(operation, body)
        except WireError:
            refused += 1
            continue
        again = reader.decode(operation, request.prompt.document.encode({}))

        texts = [leaf.text for leaf in request.prompt.leaves]
        assert texts == [leaf.text for leaf in again.prompt.leaves], number
    tried(record_property, number, refused)


def test_event_streams_do_not_depend_on_how_they_are_cut(record_property):
    seed = b"".join(chat_events()) + b": comment\r\nid: 4\r\n\r\n" + b"".join((*message_events(), *response_events()))
    number = refused = 0
    for number, data in cases(seed, "sse"):
        dice = random.Random(number)
        cuts = sorted({0, len(data), *(dice.randrange(len(data) + 1) for _ in range(dice.randint(0, 40)))})
        whole, cut = events([data]), events([data[a:b] for a, b in itertools.pairwise(cuts)])
        refused += whole is None

        assert whole == cut, number
    record_property("cases", number)
    record_property("refused", refused)


def events(chunks: list[bytes]):
    """Every event, None where the stream is refused."""
    parser = SseParser()
    try:
        return [event for chunk in chunks for event in parser.feed(chunk)]
    except WireError:
        return None


def test_authorities_are_read_or_refused(record_property):
    number = refused = 0
    for number, data in cases(b"Api.OpenAI.com:443[::1]127.0.0.1user@xn--", "authority"):
        try:
            found = parse_authority(data.decode("latin-1"), 443)
        except WireError:
            refused += 1
            continue

        assert found == parse_authority(str(found)), number
    tried(record_property, number, refused)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_encodings_are_bounded_or_refused(coding, record_property):
    seed = zlib.compress(CHAT * 20, wbits=31 if coding == "gzip" else 15)
    number = refused = 0
    for number, data in cases(seed, coding):  # noqa: B007 - its last value is the count
        try:
            decode(data, coding, DecodingLimits(size=1 << 20))
        except WireError:
            refused += 1
    record_property("cases", number)
    record_property("refused", refused)
    assert refused
