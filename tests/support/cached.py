"""Entries for tests of the answer file, and the processes that share it."""

import struct
from contextlib import contextmanager
from hashlib import sha256
from math import sqrt
from random import Random
from typing import NamedTuple

from outgate.answers.bound import Errors
from outgate.answers.file import AnswerFile
from outgate.answers.index import Index
from outgate.answers.judgement import Verdict
from outgate.answers.questions import Nearest
from outgate.answers.service import AnswersModel
from outgate.answers.shared import Reader, SharedAnswers
from outgate.answers.writer import Writer
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


def body_of(key, size):
    """A body that says which key it belongs to."""
    return sha256(key).digest() + bytes(size)


@contextmanager
def process(path, wall=None, monotonic=None, metrics=None):
    """What one worker has of the cache."""
    wall, monotonic = wall or Clock(), monotonic or Clock(0.0)
    shared = SharedAnswers.at(path, MemoryAnswers(wall), wall, monotonic, metrics if metrics is not None else Counted())
    try:
        yield shared
    finally:
        shared.close()


class Asked(NamedTuple):
    """A model server of one model, in this process."""

    model: AnswersModel

    async def ask(self, model, items, *, options=(), share=""):
        assert "answers" == model
        jobs = [self.model.split(item) for item in items]
        return [self.model.merge(job, self.model.run(job.pieces, options)) for job in jobs]


class Agreeing:
    """Serves what is not vetoed: the veto is a word."""

    version = "test"
    errors, least = Errors(), 0.5

    def judge(self, asked, stored, similarity):
        if ("not" in asked) != ("not" in stored):
            return Verdict(served=False, score=None, vetoes=("negation",))
        return Verdict(served=similarity > 0.9, score=similarity, vetoes=())

    def similarity(self, one, other):
        return 1.0

    def same_answer(self, a, b):
        return a == b


def served_model(path, judgement=Agreeing, index=None):
    """The model `answers` over a file. `writer` writes what it keeps."""
    file = AnswerFile(path)
    writer = Writer(file, Clock(), Clock(0.0))
    reader = Reader(file, writer.suspect)
    served = AnswersModel(reader, writer, index or (lambda: Index(reader.rows)), judgement)
    served.writer = writer
    return served


def asked(text="how much is it", vector=None, partition=b"p" * 32, encoder="e1", **changes):
    given = {"threshold": 0.8, "delta": 0.005, "max_age": 100.0, "now": NOW, "tenant": "t"} | changes
    return Nearest(partition=partition, text=text, vector=vector or unit(text), encoder=encoder, **given)


def near(vector, by, seed=0):
    """A unit vector that lies near."""
    random = Random(seed)
    values = [value + random.gauss(0, by) for value in struct.unpack(f"<{DIMENSION}f", vector)]
    length = sqrt(sum(value * value for value in values))
    return struct.pack(f"<{DIMENSION}f", *(value / length for value in values))


def tenants_crossed(path, tenants, prompts, look_ups):
    """Look-ups by key and by likeness, of prompts that all tenants have: how many gave another's entry, and how many were hits.

    Every second tenant has answered a prompt only in other words, so that the nearest entry of all is often another's.
    """
    random, vectors = Random(2), [unit(f"prompt {number}") for number in range(prompts)]
    closes = [[near(vector, 0.002, seed) for seed in range(4)] for vector in vectors]
    partitions = [sha256(f"tenant {number}".encode()).digest() for number in range(tenants)]
    with process(path) as shared:
        for tenant, partition in enumerate(partitions):
            for prompt in range(prompts):
                vector = closes[prompt][tenant % 4] if tenant % 2 else vectors[prompt]
                made = similar(partition, f"prompt {prompt}", vector)
                shared.put(_key(tenant, prompt), entry(str(tenant).encode(), similar=made))
            assert shared.flush()
        served, crossed, hits = served_model(path), 0, 0
        for _ in range(look_ups):
            tenant, prompt = random.randrange(tenants), random.randrange(prompts)
            vector = random.choice([vectors[prompt], *closes[prompt]])
            found = served.nearest(asked(f"prompt {prompt}", vector, partitions[tenant]))
            entries = [shared.get(key, 100.0) for key in (found.key, _key(tenant, prompt)) if key]
            crossed += any(each is None or each.body != str(tenant).encode() for each in entries)
            hits += found.served
    return crossed, hits


def _key(tenant, prompt):
    return sha256(f"{tenant} {prompt}".encode()).digest()
