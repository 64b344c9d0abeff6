"""The model server measured over its socket: `PYTHONPATH=tests .venv/bin/python -m bench.models`.

Embeddings one by one and together, by length and precision; personal data beside a flood of another workload's embeddings, and the
other way about; a pair of the verifier. Interleaved: each figure is the median of rounds that take turns.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from outgate.model_server.client import ModelClient
from outgate.model_server.embedders import Embedder
from outgate.model_server.engines.onnx import load_scorer
from outgate.model_server.engines.packaged import VERIFIER
from outgate.model_server.supervise import listening, spawn

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "the",
    "mat",
    "and",
    "then",
    "it",
    "went",
    "to",
    "look",
    "for",
    "another",
    "one",
    "because",
    "this",
    "was",
    "very",
    "old",
    "and",
    "nobody",
    "had",
    "cleaned",
    "it",
]
LENGTHS = (5, 15, 48)
"""Words, which are tokens here; two marks are added to each text."""
TOGETHER, ROUNDS = 32, 15
PII = ("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE")


def text(words: int, number: int) -> str:
    return " ".join(WORDS[(number + at * 7) % len(WORDS)] for at in range(words))


async def timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return (time.perf_counter() - began) * 1e3


async def one_by_one(client: ModelClient, texts: list[str], options: tuple[str, ...]) -> None:
    for each in texts:
        await client.ask("embed", [each], options=options)


async def together(client: ModelClient, texts: list[str], options: tuple[str, ...]) -> None:
    await asyncio.gather(*(client.ask("embed", [each], options=options) for each in texts))


def spent(process: int) -> float:
    """Milliseconds of CPU that a process has taken."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


async def embeddings(client: ModelClient, server: int) -> None:
    found: dict[tuple[str, int, str], list[float]] = defaultdict(list)
    cpu: dict[tuple[str, int, str], float] = defaultdict(float)
    for number in range(ROUNDS):
        for precision in ("int8", "fp32"):
            for words in LENGTHS:
                texts = [text(words, number * TOGETHER + at) for at in range(TOGETHER)]
                for name, ask in {"one": one_by_one, "together": together}.items():
                    before = spent(server)
                    taken = await timed(ask(client, texts, Embedder.packaged(precision).options))
                    found[precision, words + 2, name].append(taken / TOGETHER)
                    cpu[precision, words + 2, name] += (spent(server) - before) / TOGETHER / ROUNDS
    for precision, tokens, _ in [key for key in found if key[2] == "one"]:
        keys = [(precision, tokens, name) for name in ("one", "together")]
        told = [f"{one / other:.2f} times ({one:.2f} and {other:.2f} ms)" for one, other in (
            [median(found[key]) for key in keys], [cpu[key] for key in keys],
        )]  # fmt: skip
        print(f"embed {precision}, {tokens} tokens, {TOGETHER} together against one by one: {told[0]}; CPU {told[1]}")


async def beside_a_flood(
    client: ModelClient, name: str, ask: Callable[[int], Awaitable[object]], flood: Callable[[int], Awaitable[object]]
) -> None:
    """How long a question takes while another workload has 64 in hand."""
    quiet = [await timed(ask(number)) for number in range(60)]
    stop = asyncio.Event()

    async def flooding(at: int) -> None:
        number = at
        while not stop.is_set():
            await flood(number)
            number += 64

    floods = [asyncio.ensure_future(flooding(at)) for at in range(64)]
    await asyncio.sleep(0.5)
    loud = [await timed(ask(100 + number)) for number in range(60)]
    stop.set()
    await asyncio.gather(*floods)
    for when, times in (("alone", quiet), ("beside a flood", loud)):
        print(f"{name} {when}: p50 {median(times):.1f} ms, p95 {sorted(times)[56]:.1f} ms")


def pairs() -> None:
    if not VERIFIER.exists():
        print("verifier: no weights")
        return
    scorer = load_scorer()
    pair = (text(40, 0), text(40, 9))
    scorer.score([pair])
    times = []
    for _ in range(ROUNDS * 3):
        began = time.perf_counter()
        scorer.score([pair])
        times.append((time.perf_counter() - began) * 1e3)
    print(f"verifier, a pair of 2 x 40 tokens: {median(times):.1f} ms")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "s")
        child = await spawn(path, os.environ)
        try:
            await listening(path, 60)
            client = ModelClient(path)
            await client.prepare([("pii", PII), ("embed", Embedder.packaged("int8").options)], sys.stderr.write)
            await embeddings(client, child.pid)

            def embed(number: int) -> Awaitable[object]:
                return client.ask("embed", [text(48, number)], share="embeds")

            def redact(number: int) -> Awaitable[object]:
                return client.detect_pii([text(300, number) + " +49 30 1234567"], PII, share="redacts")

            await beside_a_flood(client, "personal data, 1.3 KB,", redact, embed)
            await beside_a_flood(client, "embed int8, 50 tokens,", embed, redact)
            await client.close()
        finally:
            child.kill()
            await child.wait()
    pairs()


if __name__ == "__main__":
    asyncio.run(main())
