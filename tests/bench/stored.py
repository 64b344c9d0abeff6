"""A file of 100,000 cached answers: filled, and looked up as a worker does.

`python -m bench.stored STATE PARTITION` looks up in the file and through the model server of a running gateway, in a process of its
own, and prints what it measured as JSON.
"""

import asyncio
import json
import os
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import uvloop

from bench import models, questions
from bench.subjects import rss_mb
from outgate.answers import entries
from outgate.answers.file import AnswerFile
from outgate.answers.questions import Nearest, nearest
from outgate.answers.settings import SimilarSettings
from outgate.answers.shared import SharedAnswers
from outgate.inference.usage import Usage
from outgate.metering.metrics import Metrics
from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedder
from outgate.model_server.engines.onnx import load_scorer
from outgate.server.layout import Layout
from outgate.stores.answers import CachedAnswer, MemoryAnswers, Similar

ENTRIES, _ROUNDS, TEXTS = 100_000, 200, 512
_AGE = 3600.0
EMBEDDER = Embedder.packaged()


def key_of(number: int) -> bytes:
    return sha256(f"filled {number}".encode()).digest()


async def vectors(socket: Path, texts: Sequence[str]) -> list[bytes]:
    """The vectors of texts, from a running model server."""
    client = ModelClient(str(socket))
    try:
        asked = (client.ask("embed", [text], options=EMBEDDER.options) for text in texts)
        return [b64decode(answer) for (answer,) in await asyncio.gather(*asked)]
    finally:
        await client.close()


def fill(path: Path, partition: bytes, known: Sequence[tuple[str, bytes]], body: bytes) -> int:
    """Write entries beside those there are until the file holds ENTRIES, in one partition: the texts and vectors that are given,
    and others near them. Returns how many it holds.
    """
    db = AnswerFile(path).open(write=True)
    db.execute("begin")
    for number, (text, vector) in enumerate(_near(known, ENTRIES - entries.held(db).entries)):
        similar = Similar(partition=partition, text=f"{text} {number}", vector=vector, encoder=EMBEDDER.version)
        entries.put(db, key_of(number), _entry(body, similar))
    db.execute("commit")
    count = entries.held(db).entries
    db.close()
    return count


def _near(known: Sequence[tuple[str, bytes]], count: int) -> Iterator[tuple[str, bytes]]:
    chance = np.random.default_rng(1)
    for at in range(count):
        text, vector = known[at % len(known)]
        moved = np.frombuffer(vector, np.float32) + chance.normal(0, 0.03, len(vector) // 4).astype(np.float32)
        yield text, (moved / np.linalg.norm(moved)).tobytes()


def _entry(body: bytes, similar: Similar) -> CachedAnswer:
    now = time.time()
    return CachedAnswer(
        status=200,
        content_type="application/json",
        body=body,
        usage=Usage(input_tokens=400, output_tokens=400),
        created=now,
        expires=now + _AGE,
        revision="filled",
        tenant="bench",
        workload="bench",
        model="gpt-4o-mini",
        kind="openai chat",
        similar=similar,
    )


def by_key(state: Path) -> dict[str, float]:
    """CPU of look-ups by key, and what a worker's memory in front of the file grows by."""
    metrics = Metrics(state / "measured")
    shared = SharedAnswers.at(
        Layout(state=state).answers, MemoryAnswers(time.time, max_bytes=8 << 20), time.time, time.monotonic, metrics
    )
    before = rss_mb(os.getpid())
    absent = [_spent(lambda at=at: shared.get(sha256(b"absent %d" % at).digest(), _AGE)) for at in range(_ROUNDS)]
    found = [_spent(lambda at=at: _found(shared, at)) for at in range(ENTRIES // 4, ENTRIES // 4 * 3, 10)]
    grown = rss_mb(os.getpid()) - before
    shared.close()
    return {"look_up_file_ms": median(absent), "look_up_hit_ms": median(found), "worker_mb": grown}


def _found(shared: SharedAnswers, number: int) -> None:
    if shared.get(key_of(number), _AGE) is None:
        raise RuntimeError(f"entry {number} is not in the file")


def _spent(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return (time.thread_time() - start) * 1000


async def by_question(client: ModelClient, partition: bytes) -> dict[str, float]:
    """CPU in the asking process of questions put through the socket, one after the other."""
    texts = [text for block in questions.held() for text in block.same][:_ROUNDS]
    asked = [await client.ask("embed", [text], options=EMBEDDER.options) for text in texts]
    start, reasons = time.process_time(), []
    for text, (vector,) in zip(texts, asked, strict=True):
        reasons.append((await nearest(client, _question(text, b64decode(vector), partition))).reason)
    spent = (time.process_time() - start) / len(texts) * 1000
    if "none" in reasons:
        raise RuntimeError("a look-up found no entry in a partition of 100,000")
    return {"look_up_question_ms": spent}


def _question(text: str, vector: bytes, partition: bytes) -> Nearest:
    return Nearest(
        partition=partition,
        tenant="bench",
        text=text,
        vector=vector,
        encoder=EMBEDDER.version,
        threshold=SimilarSettings().threshold,
        delta=0.005,
        max_age=_AGE,
        now=time.time(),
    )


async def embedding(client: ModelClient) -> dict[str, float]:
    """Milliseconds of an embedding of 50 tokens, and how much faster 32 together are than one by one: medians of rounds in turn."""
    found: dict[str, float] = {}
    for words, name in ((48, "embed"), (15, "embed_short")):
        rounds = []
        for number in range(5):
            texts = [models.text(words, number * models.TOGETHER + at) for at in range(models.TOGETHER)]
            rounds.append(
                [await models.timed(ask(client, texts, EMBEDDER.options)) for ask in (models.one_by_one, models.together)]
            )
        found[f"{name}_ms"] = median(one for one, _ in rounds) / models.TOGETHER
        found[f"{name}_together"] = median(one / other for one, other in rounds)
    return found


def verifier() -> dict[str, float]:
    """Milliseconds of a pair, over written pairs."""
    scorer = load_scorer()
    pairs = [(block.question, text) for block in questions.held()[:60] for text in block.same[:1]]
    scorer.score(pairs[:3])
    return {"verifier_ms": median(_timed(lambda pair=pair: scorer.score([pair])) for pair in pairs)}


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1000


async def main(state: Path, partition: bytes) -> dict[str, Any]:
    client = ModelClient(str(Layout(state=state).models))
    measured = by_key(state) | await by_question(client, partition) | await embedding(client)
    await client.close()
    return measured | verifier()


if __name__ == "__main__":
    print(json.dumps(uvloop.run(main(Path(sys.argv[1]), bytes.fromhex(sys.argv[2])))))
