"""Generate near misses: a question, of CLINC150 or of a form, and the same with one number, name, unit, day or word exchanged."""

import random
import re
from collections.abc import Callable, Iterator, Sequence

from outgate.answers.evaluation import Pair

_MONTHS = "january february march april june july august september october november december".split()
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_UNITS = [
    "miles kilometers meters feet inches",
    "pounds kilograms grams ounces",
    "dollars euros yen pesos",
    "hours days weeks months years minutes",
    "cups liters gallons pints teaspoons",
    "celsius fahrenheit kelvin",
]


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(one, other) for one, _, other in (pair.partition("/") for pair in text.split(","))]


_SCOPES = _pairs(
    "best/worst,most/least,first/last,cheapest/most expensive,highest/lowest,next/previous,more than/less than,at least/at most,"
    "largest/smallest,all/none of"
)
_OPPOSED = _pairs(
    "increase/decrease,turn on/turn off,add/remove,open/close,start/stop,buy/sell,before/after,lower/raise,freeze/unfreeze,"
    "enable/disable,accept/decline,hot/cold,good/bad,safe/unsafe"
)
_DENIED = _pairs("with/without,can/can not,is/is not,should/should not,do i need/do i not need")
_NAMES = {
    "what is the population of {}": "Tbilisi Cusco Tampere Graz Bilbao Aarhus Windhoek Adelaide Salem Ghent",
    "who directed {}": "Casablanca Vertigo Amadeus Gladiator Parasite Heat Alien Jaws Fargo Memento",
    "how do i install {} on my laptop": "Blender Inkscape Audacity GIMP Krita Zotero Thunderbird LibreOffice OBS Calibre",
    "when was {} born": "Euler Darwin Gauss Tesla Newton Curie Turing Lovelace Kepler Bohr",
    "what are the side effects of {}": "naproxen sertraline atorvastatin omeprazole lisinopril "
    "gabapentin ketamine cetirizine tramadol melatonin",
    "how long does it take to drive to {}": "Tucson Fresno Omaha Tulsa Boise Reno Spokane Durham Toledo Lubbock",
    "what language do people speak in {}": "Bhutan Laos Malta Angola Suriname Moldova Rwanda Oman Belize Fiji",
    "how many calories are in one {}": "walnut papaya croissant bagel pretzel muffin fig radish tortilla dumpling",
    "is {} a good programming language to learn first": "Nim Zig Crystal Racket Scheme Pascal Ada Forth Prolog Smalltalk",
    "explain the theorem of {}": "Bayes Noether Green Stokes Fermat Pythagoras Rolle Thales Ptolemy Cauchy",
}  # fmt: skip
_ROLES = [
    (
        "how do i convert {} to {}",
        "celsius fahrenheit,miles kilometers,euros dollars,pdf word,png jpeg,binary hexadecimal,grams ounces",
    ),
    ("what is the distance from {} to {}", "the bank the school,earth the moon"),
    ("book a flight from {} to {}", "boston denver,oslo madrid,lima quito,tokyo seoul,austin miami"),
    ("translate this sentence from {} to {}", "french german,dutch polish,spanish english"),
    ("is {} better than {}", "python java,tea coffee,jogging cycling,gold silver,linux windows"),
    ("can a {} eat a {}", "shark dolphin,snake frog,cat rat,spider wasp"),
    ("did {} defeat {}", "athens sparta,rome carthage,germany france,spain portugal"),
    ("transfer 50 dollars from {} to {}", "checking savings,savings credit,mom dad"),
    ("does {} owe money to {}", "anna bert,tom lisa,greece germany"),
    ("subtract {} from {}", "9 14,12 30,x y"),
]


def near_misses(questions: Sequence[str], each: int, seed: int = 7) -> list[Pair]:
    """At most `each` pairs of every kind, chosen by the seed."""
    pick = random.Random(seed)
    kinds: dict[str, Callable[[str, random.Random], str]] = {
        "number": _number, "date": _date, "unit": _unit, "scope": _scope, "antonym": _antonym, "negation": _negation
    }  # fmt: skip
    found: list[Pair] = []
    for kind, change in kinds.items():
        changed = ((question, change(question, pick)) for question in pick.sample(questions, len(questions)))
        pairs = (Pair(question, other, same=False, kind=kind) for question, other in changed if other not in ("", question))
        found += [pair for pair, _ in zip(pairs, range(each), strict=False)]
    forms = [*_named(pick), *_exchanged()]
    for kind in ("entity", "order"):
        some = [pair for pair in forms if pair.kind == kind]
        found += pick.sample(some, min(each, len(some)))
    return found


def _number(question: str, pick: random.Random) -> str:
    match = re.search(r"\b\d{1,4}\b", question)
    if match is None:
        return _one_of(
            question, [("two", "three"), ("five", "six"), ("ten", "twenty"), ("three", "four"), ("hundred", "thousand")], pick
        )
    return question[: match.start()] + str(int(match[0]) + pick.choice([1, 2, 5, 10])) + question[match.end() :]


def _date(question: str, pick: random.Random) -> str:
    groups = [
        _MONTHS,
        _DAYS,
        ["today", "tomorrow", "yesterday"],
        ["this week", "next week"],
        ["tonight", "tomorrow night"],
        ["am", "pm"],
    ]
    return _another(question, groups, pick)


def _unit(question: str, pick: random.Random) -> str:
    return _another(question, [group.split() for group in _UNITS], pick)


def _scope(question: str, pick: random.Random) -> str:
    return _one_of(question, _SCOPES, pick)


def _antonym(question: str, pick: random.Random) -> str:
    return _one_of(question, _OPPOSED, pick)


def _negation(question: str, pick: random.Random) -> str:
    return _one_of(question, _DENIED, pick)


def _another(question: str, groups: Sequence[Sequence[str]], pick: random.Random) -> str:
    """The question with one word of a group exchanged for another of it."""
    for group in groups:
        for word in group:
            if re.search(rf"\b{word}\b", question):
                return re.sub(rf"\b{word}\b", pick.choice([other for other in group if other != word]), question, count=1)
    return ""


def _one_of(question: str, pairs: Sequence[tuple[str, str]], pick: random.Random) -> str:
    for one, other in pick.sample(list(pairs), len(pairs)):
        if re.search(rf"\b{one}\b", question) and not re.search(rf"\b{other}\b|\bnot\b", question):
            return re.sub(rf"\b{one}\b", other, question, count=1)
    return ""


def _named(pick: random.Random) -> Iterator[Pair]:
    for form, names in _NAMES.items():
        listed = names.split()
        for name in listed:
            for other in pick.sample([each for each in listed if each != name], 3):
                yield Pair(form.format(name), form.format(other), same=False, kind="entity")


def _exchanged() -> Iterator[Pair]:
    for form, names in _ROLES:
        for pair in names.split(","):
            one, other = _two(pair)
            yield Pair(form.format(one, other), form.format(other, one), same=False, kind="order")


def _two(pair: str) -> tuple[str, str]:
    words = pair.split()
    if len(words) > 2:
        at = next((at for at, word in enumerate(words) if at and word == "the"), 1)
        return " ".join(words[:at]), " ".join(words[at:])
    return words[0], words[1]
