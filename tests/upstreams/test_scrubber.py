"""A credential that a provider echoes never reaches the workload, however it is written and wherever it is cut."""

from base64 import b32encode, b64encode, urlsafe_b64encode
from itertools import pairwise
from random import Random

import orjson
import pytest

from outgate.upstreams.scrubber import Scrubber
from support.canaries import ENCODINGS, answer, canaries, leaks

KEY = "sk-proj-AbCd0123456789efGhIjKl"


def escaped(text, *, every=1, upper=False):
    return "".join(f"\\u{ord(c):04{'X' if upper else 'x'}}" if at % every == 0 else c for at, c in enumerate(text))


ECHOES = {
    "plain": f'{{"error": "bad key {KEY}"}}',
    "in an event": f'data: {{"choices": [{{"delta": {{"content": "{KEY}"}}}}]}}\n\n',
    "twice": f"{KEY}{KEY}",
    "escaped": f'{{"message": "{escaped(KEY)}"}}',
    "partly escaped": f'{{"message": "{escaped(KEY, every=3, upper=True)}"}}',
    "hex": f"key={KEY.encode().hex()}",
    "hex in capitals": f"key={KEY.encode().hex().upper()}",
    **{f"base64 {n}": b64encode(b"x" * n + KEY.encode() + b"yz").decode() for n in range(4)},
    "urlsafe": urlsafe_b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64 twice": b64encode(b64encode(f"key={KEY}".encode())).decode(),
    **{f"base32 {n}": b32encode(b"x" * n + KEY.encode() + b"yz").decode() for n in range(5)},
    "hex with colons": KEY.encode().hex(":"),
    "turned round": f"key={KEY[::-1]}",
    "UTF-16": f"key={KEY}".encode("utf-16-le").decode("latin-1"),
    "escaped twice": f'{{"message": "{escaped(KEY)}"}}'.replace("\\u", "\\\\u"),
    "of JavaScript": "".join(f"\\x{ord(c):02x}" for c in KEY),
    "of a URL": "/?key=" + "".join(f"%{ord(c):02X}" for c in KEY),
    "of a URL in a URL": "/?key=" + "".join(f"%25{ord(c):02x}" for c in KEY),
    "of HTML": "".join(f"<b>&#{ord(c)};" if at == 0 else f"&#{ord(c)};" for at, c in enumerate(KEY)),
    "of HTML in hexadecimal": "".join(f"&#x{ord(c):x}" + ";" for c in KEY),
    "quoted-printable": "".join(f"={ord(c):02X}" for c in KEY),
}


def said(data: bytes, cuts: list[int]) -> bytes:
    scrubber = Scrubber((KEY,))
    edges = [0, *cuts, len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    return b"".join(scrubber.feed(piece, last=at == len(pieces) - 1) for at, piece in enumerate(pieces))


@pytest.mark.parametrize("how", ECHOES)
def test_no_spelling_passes_wherever_it_is_cut(how):
    data, random = ECHOES[how].encode(), Random(how)
    whole = said(data, [])
    assert b"***" in whole
    for splits in [[at] for at in range(len(data))] + [sorted(random.sample(range(len(data)), 5)) for _ in range(200)]:
        assert said(data, splits).replace(b"***;", b"***") == whole  # what ends the last escape may come on its own
    with_escapes = whole.decode().replace("data: ", "").strip()
    if with_escapes.startswith("{"):
        assert KEY not in str(orjson.loads(with_escapes))
    assert KEY.encode() not in whole


def test_other_text_goes_on_at_once():
    scrubber = Scrubber((KEY,))
    pieces = [b'data: {"x": "sk-other"}\n\n', b"sk-proj", b"-other", b"\\u0041", b" it says s"]
    out = [scrubber.feed(piece, last=False) for piece in pieces]

    assert [pieces[0], b"", b"sk-proj-other", pieces[3], b" it says "] == out
    assert b"s" == scrubber.feed(b"", last=True)


def test_a_body_of_beginnings_stays_linear():
    scrubber = Scrubber((KEY,))
    data = KEY[:-1].encode() * 2000 + b"\\u0073" * 2000
    assert scrubber.feed(data, last=True) == data


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_E5_no_canary_passes_wherever_it_is_cut(encoding):
    """A sample; `scripts/faults canaries` takes ten thousand."""
    texts = {key: answer(key, encoding) for key in canaries(12)}

    assert [] == [key for key, text in texts.items() if any(leaks(key, text, range(len(text) + 1)))]


def test_E5_of_ten_thousand_canaries_none_passes():
    random, names = Random(11), list(ENCODINGS)
    texts = [(key, answer(key, names[at % len(names)])) for at, key in enumerate(canaries(10_000))]

    assert [] == [key for key, text in texts if any(leaks(key, text, [random.randrange(len(text))]))]
