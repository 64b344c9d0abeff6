"""Memory and time of the store of cached answers: the index in the model server, and beside it in each worker.

`PYTHONPATH=tests .venv/bin/python -m bench.answers [--entries 100000] [--json FILE]`. Every subject is measured in a process of its
own; growth is what it takes more than when it was empty. Vectors are random: the index takes no account of what they mean.
"""

import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import uvloop

from outgate.answers import entries
from outgate.answers.file import FILE, AnswerFile
from outgate.answers.questions import Nearest, nearest, written
from outgate.inference.usage import Usage
from outgate.model_server.client import ModelClient
from outgate.model_server.supervise import listening, spawn
from outgate.stores.answers import CachedAnswer, MemoryAnswers, Similar

DIMENSION, NOW = 384, 1_000_000.0
_WORDS = tuple(f"word{number}" for number in range(40))
_LAYOUTS = (1, 50, 5_000)
_LOOK_UPS = 400


class Unmetered:
    def add(self, *_):
        """Count nothing."""


def resident():
    """Megabytes of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def vector(noise):
    values = [noise.gauss(0, 1) for _ in range(DIMENSION)]
    length = sum(value * value for value in values) ** 0.5
    return struct.pack(f"<{DIMENSION}f", *(value / length for value in values))


def fill(folder, count, partitions):
    """A file of so many entries, each with an answer of about 1,500 bytes."""
    noise, db = random.Random(0), AnswerFile(folder / FILE).open(write=True)
    some = [vector(noise) for _ in range(2_000)]
    for start in range(0, count, 1_000):
        db.execute("begin")
        for number in range(start, min(start + 1_000, count)):
            partition = (number % partitions).to_bytes(32)
            text = " ".join(noise.choices(_WORDS, k=14))
            similar = Similar(partition=partition, text=text, vector=noise.choice(some), encoder="e")
            body = " ".join(noise.choices(_WORDS, k=300)).encode()
            entries.put(db, number.to_bytes(32), _entry(body, similar))
        db.execute("commit")
    db.close()


def _entry(body, similar):
    return CachedAnswer(
        status=200,
        content_type="application/json",
        body=body,
        usage=Usage(output_tokens=9),
        created=NOW,
        expires=NOW * 1e3,
        revision="r",
        tenant="t",
        workload="w",
        model="m",
        kind="openai chat",
        similar=similar,
    )


def question(noise, partitions):
    partition = noise.randrange(partitions).to_bytes(32)
    limits = {"threshold": 0.99, "delta": 0.005, "max_age": 1e9, "now": NOW + 1}
    return Nearest(partition=partition, tenant="t", text="how much is it", vector=vector(noise), encoder="e", **limits)


def measure_server(folder, count, partitions):
    """The model `answers`: what it grows by, how soon it serves, what one look-up takes of its thread."""
    from outgate.answers.service import load

    model, noise, empty = load(folder), random.Random(1), resident()

    def ask(item):
        model.run(model.split(item).pieces, ())

    begin = time.perf_counter()
    ask(written("nearest", question(noise, partitions)))
    first = time.perf_counter() - begin
    for number in range(partitions):
        limits = {"threshold": 0.99, "delta": 0.005, "max_age": 1e9, "now": NOW + 1}
        asked = Nearest(partition=number.to_bytes(32), tenant="t", text="", vector=vector(noise), encoder="e", **limits)
        for _ in range(1 + count // partitions // 8_192):
            ask(written("nearest", asked))
    whole = time.perf_counter() - begin
    items = [written("nearest", question(noise, partitions)) for _ in range(_LOOK_UPS)]
    return {
        "growth_mb": resident() - empty,
        "first_ms": first * 1e3,
        "all_partitions_s": whole,
        "look_up_cpu_ms": _cpu([lambda item=item: ask(item) for item in items]),
    }


def measure_worker(folder, count, partitions):
    """A worker: reads by key, questions to the model server, and what it grows by when it has read every hundredth entry."""
    from outgate.answers.shared import SharedAnswers

    noise, empty = random.Random(2), resident()
    memory = MemoryAnswers(lambda: NOW, max_bytes=8 << 20)
    shared = SharedAnswers.at(folder / FILE, memory, lambda: NOW, time.monotonic, Unmetered())
    keys = [noise.randrange(count).to_bytes(32) for _ in range(max(1_000, count // 100))]
    read = _cpu([lambda key=key: shared.get(key, 1e9) for key in keys])
    again = _cpu([lambda: shared.get(keys[-1], 1e9)] * 1_000)
    missed = _cpu([lambda key=key: shared.get(key[1:], 1e9) for key in keys])
    asked = [question(noise, partitions) for _ in range(_LOOK_UPS)]
    asking = _cpu([lambda one=one: written("nearest", one) for one in asked])
    cpu, wall = uvloop.run(_look_ups(folder, asked))
    return {
        "growth_mb": resident() - empty,
        "file_ms": read,
        "memory_ms": again,
        "miss_ms": missed,
        "question_ms": asking,
        "look_up_cpu_ms": cpu,
        "look_up_wall_ms": wall,
    }


async def _look_ups(folder, asked):
    """Milliseconds of a look-up, CPU of this process and all, over the socket of a model server."""
    path = str(folder / "models.sock")
    server = await spawn(path, os.environ, ["answers=outgate.answers.service:load"])
    try:
        await listening(path, 60)
        client, walls = ModelClient(path), []
        await nearest(client, asked[0])
        cpu = time.process_time()
        for one in asked:
            begin = time.perf_counter()
            await nearest(client, one)
            walls.append(time.perf_counter() - begin)
        return (time.process_time() - cpu) / len(asked) * 1e3, median(walls) * 1e3
    finally:
        server.kill()
        await server.wait()


def _cpu(calls):
    """Median milliseconds of CPU."""
    taken = []
    for call in calls:
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return median(taken) * 1e3


def _apart(name, folder, count, partitions):
    command = [sys.executable, "-m", "bench.answers", "--measure", name, str(folder), str(count), str(partitions)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        name, folder, count, partitions = given.measure
        print(json.dumps(globals()[f"measure_{name}"](Path(folder), int(count), int(partitions))))
        return
    found = {}
    for partitions in _LAYOUTS:
        with tempfile.TemporaryDirectory() as name:
            fill(Path(name), given.entries, partitions)
            megabytes = (Path(name) / FILE).stat().st_size / 1e6
            measured = {subject: _apart(subject, name, given.entries, partitions) for subject in ("server", "worker")}
            found[partitions] = measured | {"file_mb": megabytes}
            print(partitions, "partitions:", json.dumps(found[partitions], indent=1), flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
