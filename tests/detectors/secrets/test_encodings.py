"""Encoded texts are read where their form stands, and nothing else is; the cost is linear."""

import timeit
import zlib
from base64 import b64encode
from itertools import pairwise
from time import thread_time

import pytest

from detectors.secrets.disguises import DISGUISES
from outgate.detectors.secrets.encodings import encoded

TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"
READ = (
    "gzip in base64", "zlib in base64", "base32 in small letters", "base85", "ascii85", "ascii85 of Adobe", "hexadecimal codes",
    "decimal codes", "octal codes", "bits", "rot13", "turned round", "UTF-7", "quoted-printable",
)  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_encoded_is_read(name):
    text = DISGUISES[name](TOKEN)

    assert any(TOKEN in one.text for one in encoded(f"see {text} there"))


@pytest.mark.parametrize("text", ["", "hello world", "sixteen_letters_of_it", "[1, 2, 3]", "eJxnothing" + "A" * 40, "<~ no ~>" * 9])
def test_what_is_not_is_left(text):
    assert [] == list(encoded(text))


def test_attack_a_packed_text_of_zeros_unpacks_to_a_few_times_its_length():
    packed = b64encode(zlib.compress(b"a" * 10_000_000)).decode()

    assert sum(len(one.text) for one in encoded(packed)) < 10 * len(packed)


@pytest.mark.parametrize(
    "unit", ["!!!!!", "12, ", "+AGE-", "H4sI" + "A" * 30 + " ", "0x41, ", "01000001", "\\101", "=\na", "87cUR", "a2", "_phg"]
)
def test_attack_a_text_of_codes_costs_no_more_than_its_length(unit):
    costs = [least(unit * (size // len(unit))) for size in (65_536, 262_144)]

    assert all(more < 12 * less + 0.05 for less, more in pairwise(costs))


def least(text):
    """CPU seconds of the quickest of three times: others share the processor."""
    return min(timeit.repeat(lambda: list(encoded(text)), thread_time, number=1, repeat=3))
