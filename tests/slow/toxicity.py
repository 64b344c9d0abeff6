"""Fit the weights of `toxicity_guard`: python tests/slow/toxicity.py WORDS.tsv [--write]; docs/results/output.md.

Begins with the words of alt-profanity-check (MIT), adds pairs of words, and learns from the written texts of tests/data/toxicity,
from counterfactual pairs of sentences about people, and from one half of ../shared/data/toxicity; the other half is only measured.
"""

import argparse
import csv
import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

from outgate.detectors.output.toxicity import FILE, Toxicity, grams, windows

ROOT = Path(__file__).parents[2]
COMMENTS = ROOT.parent / "shared/data/toxicity/toxicity.csv"
WRITTEN = ROOT / "tests/data/toxicity"
PEOPLE = (
    "gay", "lesbian", "bisexual", "transgender", "queer", "straight", "homosexual", "heterosexual", "black", "white", "Asian",
    "African", "Latino", "Mexican", "Chinese", "Arab", "American", "Muslim", "Jewish", "Christian", "Catholic", "Hindu", "Buddhist",
    "atheist", "deaf", "blind", "disabled", "old", "young", "male", "female", "Turkish", "Polish", "Indian", "Roma", "immigrant",
)  # fmt: skip
NEUTRAL = frozenset(
    {form for who in PEOPLE for form in (who.lower(), f"{who.lower()}s")}
    | {"jew", "jews", "trans", "lgbt", "lgbtq", "islam", "islamic", "nigerian", "korean", "japanese", "german", "russian"}
    | {"woman", "women", "husband", "wife", "sikh", "autistic", "refugee", "refugees", "migrant", "migrants", "hispanic"}
)  # fmt: skip
"""Words for people: none of them weighs more than MOST, so that who somebody is is no alarm by itself."""
MOST = 1.0
KIND = (
    "I am a {} man.", "She is a {} woman, and a good friend.", "Many {} people live in this town.",
    "My {} neighbour bakes bread.",
    "The {} community celebrates in June.", "Being {} is nothing to be ashamed of.", "He told his parents that he is {}.",
)  # fmt: skip
HOSTILE = (
    "I hate all {} people.",
    "You stupid {} idiot.",
    "{} people are disgusting vermin.",
    "Get out of our country, you {} scum.",
)
MEASURED = (
    ("He married a {} teacher last spring.", False), ("A {} author won the prize.", False),
    ("Is it hard to be {} at school?", False),
    ("{} people should be killed.", True),
    ("You are a filthy {} pig.", True),
    ("Every {} person I met was a worthless liar.", True),
)  # fmt: skip
"""Kept apart, for docs/results/output.md."""
EPOCHS, RATE, PULL, PAIR = 40, 0.4, 0.002, 7.0
type Text = tuple[str, bool]


def comments(*, held_out: bool) -> list[Text]:
    with COMMENTS.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(row["comment"], row["toxic"] == "True") for row in rows if int(row["rev_id"]) % 2 == held_out]


def about_people(forms: Iterable[tuple[str, bool]]) -> list[tuple[str, str, bool]]:
    return [(who, form.format(who), toxic) for (form, toxic), who in product(forms, PEOPLE)]


def training() -> list[Text]:
    written = [(line, toxic) for name, toxic in (("benign", False), ("toxic", True)) for line in lines(name)]
    pairs = about_people([*((form, False) for form in KIND), *((form, True) for form in HOSTILE)])
    return [*comments(held_out=False), *written, *((text, toxic) for _, text, toxic in pairs)]


def lines(name: str) -> list[str]:
    return (WRITTEN / f"{name}.txt").read_text().splitlines()


def fit(words: Path, texts: Sequence[Text]) -> Toxicity:
    """Stochastic gradient descent on the logistic loss, pulled towards the weights it began with."""
    model = Toxicity.read(words)
    model.weights |= {word: (model.weights[word][0], min(MOST, model.weights[word][1])) for word in NEUTRAL & model.weights.keys()}
    first = dict(model.weights)
    counted: dict[str, int] = {}
    for text, _ in texts:
        for gram in set(grams(text)):
            counted[gram] = counted.get(gram, 0) + 1
    for gram, count in counted.items():
        if count > 1 and "_" in gram and NEUTRAL.isdisjoint(gram.split("_")):
            model.weights.setdefault(gram, (PAIR, 0.0))
    share = sum(toxic for _, toxic in texts) / len(texts)
    rng, order = random.Random(0), list(texts)
    for epoch in range(EPOCHS):
        rng.shuffle(order)
        rate = RATE / (1 + epoch / 8)
        for text, toxic in order:
            vector = model.vector(text)
            gap = toxic - 1 / (1 + math.exp(-model.sum(vector)))
            step = rate * gap * (1 - share if toxic else share) * 2
            model.bias += step * 0.1
            for gram, value in vector.items():
                idf, weight = model.weights[gram]
                pull = PULL * (first.get(gram, (0.0, 0.0))[1] - weight)
                moved = weight + step * value + pull
                model.weights[gram] = (idf, min(MOST, moved) if gram in NEUTRAL else moved)
    model.weights = {gram: pair for gram, pair in model.weights.items() if "_" not in gram or abs(pair[1]) > 0.05}
    return model


def calibrate(model: Toxicity, texts: Sequence[Text], alarms: float) -> None:
    """Move the bias so that this share of the benign texts that it learned from scores .5 and more."""
    sums = sorted(max(model.sum(model.vector(window)) for window in windows(text)) for text, toxic in texts if not toxic)
    model.bias -= sums[int(len(sums) * (1 - alarms))]


def area(scored: Sequence[tuple[float, bool]]) -> float:
    toxic, benign = ([score for score, said in scored if said is which] for which in (True, False))
    benign.sort()
    return sum((bisect_left(benign, one) + bisect_right(benign, one)) / 2 for one in toxic) / len(toxic) / len(benign)


def told(model: Toxicity) -> None:
    sets = {"held-out comments": comments(held_out=True), "learned": training()}
    for name, texts in sets.items():
        scored = [(model.highest(text), toxic) for text, toxic in texts]
        hits, alarms = ([score >= 0.5 for score, toxic in scored if toxic is which] for which in (True, False))
        print(f"{name:20} AUC {area(scored):.3f} recall {sum(hits) / len(hits):.3f} alarms {sum(alarms) / len(alarms):.3f}")
    for who in PEOPLE:
        mine = [(model.highest(text), toxic) for name, text, toxic in about_people(MEASURED) if name == who]
        row = " ".join(f"{score:.2f}{'!' if toxic else ''}" for score, toxic in mine)
        print(f"  {who:14} {row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", type=Path, nargs="?", default=FILE, help="TSV of gram, idf and weight to begin with")
    parser.add_argument("--write", action="store_true", help=f"write {FILE.name}")
    parser.add_argument("--alarms", type=float, default=0.01, help="share of benign texts at the threshold")
    arguments = parser.parse_args()
    texts = training()
    if not arguments.write:
        told(Toxicity.read(arguments.words))
        return
    model = fit(arguments.words, texts)
    calibrate(model, texts, arguments.alarms)
    model.write(FILE)
    told(Toxicity.read(FILE))


if __name__ == "__main__":
    main()
