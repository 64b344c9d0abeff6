"""Entries for tests of the answer file, and the processes that share it."""

import struct
from contextlib import contextmanager
from math import sqrt
from random import Random

from outgate.answers.entries import Totals
from outgate.answers.file import AnswerFile
from outgate.answers.shared import Reader, SharedAnswers
from outgate.inference.usage import Usage
from outgate.stores.answers import CachedAnswer, MemoryAnswers, Similar

NOW = 1_000_000.0
DIMENSION = 384


class Clock:
    """A clock that the test sets."""

    def __init__(self, now=NOW):
        self.now = now

    def __call__(self):
        return self.now


class Counted(dict):
    """Metrics as a table of what was counted."""

    def add(self, name, labels=(), amount=1.0):
        self[name, labels] = self.get((name, labels), 0) + amount


def unit(seed):
    random = Random(seed)
    values = [random.gauss(0, 1) for _ in range(DIMENSION)]
    length = sqrt(sum(value * value for value in values))
    return struct.pack(f"<{DIMENSION}f", *(value / length for value in values))


def similar(partition=b"p" * 32, text="how much is it", vector=None, encoder="e1"):
    return Similar(partition=partition, text=text, vector=vector or unit(text), encoder=encoder)


def entry(body=b"{}", created=NOW, **fields):
    given = {"status": 200, "content_type": "application/json", "usage": Usage(input_tokens=1), "revision": "r1"}
    return CachedAnswer(body=body, created=created, **given | fields)


@contextmanager
def process(path, wall=None, monotonic=None, most=None, metrics=None):
    """What one worker has of the cache."""
    wall, monotonic = wall or Clock(), monotonic or Clock(0.0)
    shared = SharedAnswers.at(path, MemoryAnswers(wall), wall, monotonic, metrics or Counted(), most or Totals(10_000, 1 << 30))
    try:
        yield shared
    finally:
        shared.close()


def reader(path):
    return Reader(AnswerFile(path), Clock(0.0), lambda: None)
