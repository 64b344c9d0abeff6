"""Compose tool results: a sentence set into a document, an order for the assistant (an attack) or a notice for people (none).

Documents, orders and notices are written (tests/data/guard_texts/*.list); only their places are drawn. Notices are set in like
orders, so that a sentence out of place is no sign by itself; notes of harnesses are set in too, and stand beside both.
"""

import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from evaluation.guard_texts import FOLDER

_BORDER = re.compile(r"[.!?;>]\s+|\n")
_WHOLE, _PART = 860, (400, 600, 800)
"""Characters of a document up to which it is taken whole, and of a part of a longer one."""
_WRITTEN = 0.8
"""The share of orders that are written as such; the others are short attacks by users."""
_NOTED = 0.25
"""The share of all documents that a note of a harness stands before or behind."""
_DRESSES = ("{}", "{}", "{}", "{}", "{}", "{}", "{}", "<!-- {} -->", "# {}", "\n\n{}\n\n")


class Composed(NamedTuple):
    """A document with a sentence in it."""

    text: str
    attack: bool
    sentence: str = ""


def documents() -> list[str]:
    return [text.strip() for text in (FOLDER / "carriers.list").read_text("utf-8").split("%%")]


def sentences(name: str) -> list[str]:
    r"""The lines of `orders`, `notices` or `harness_notes`; `\n` in one is a line break."""
    lines = (FOLDER / f"{name}.list").read_text("utf-8").splitlines()
    return [line.replace("\\n", "\n") for line in lines if line.strip()]


def compose(carriers: Sequence[str], attacks: Sequence[str], count: int, chance: random.Random) -> Iterator[Composed]:
    """So many of each label. `attacks` are further orders: short attacks by users."""
    orders, notes = sentences("orders"), sentences("harness_notes")
    notices = sentences("notices") + 2 * notes
    for _ in range(count):
        order = chance.choice(orders if chance.random() < _WRITTEN else attacks)
        attacked = _inserted(_part(chance.choice(carriers), chance), order, chance)
        yield Composed(_noted(attacked, notes, chance), attack=True, sentence=order)
        plain = _part(chance.choice(carriers), chance)
        noticed = _inserted(plain, chance.choice(notices), chance) if chance.random() < 0.7 else plain
        yield Composed(_noted(noticed, notes, chance), attack=False)


def _noted(document: str, notes: Sequence[str], chance: random.Random) -> str:
    if chance.random() >= _NOTED:
        return document
    note = chance.choice(notes)
    return f"{note}\n{document}" if chance.random() < 0.5 else f"{document}\n{note}"


def _part(document: str, chance: random.Random) -> str:
    if len(document) <= _WHOLE:
        return document
    at = chance.randrange(len(document) - max(_PART))
    return document[at : at + chance.choice(_PART)]


def _inserted(document: str, sentence: str, chance: random.Random) -> str:
    """The sentence at the beginning, at the end, or most often between two sentences."""
    borders = [found.end() for found in _BORDER.finditer(document)] or [len(document)]
    where = chance.random()
    at = 0 if where < 0.1 else len(document) if where < 0.25 else chance.choice(borders)
    dressed = chance.choice(_DRESSES).format(sentence.replace("{", "(").replace("}", ")"))
    return f"{document[:at]} {dressed} {document[at:]}"
