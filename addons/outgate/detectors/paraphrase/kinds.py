"""Words of one kind, of which a question means one and not another: countries, animals, programming languages, colours, relatives.

A line of kinds.txt is a kind; `a=b` are names of the same thing. In small letters, a name is known by these lists alone.
"""

from collections.abc import Iterator
from importlib.resources import files

_KINDS = files(__package__).joinpath("kinds.txt").read_text("utf-8").splitlines()


def _named() -> Iterator[tuple[str, tuple[int, str]]]:
    for kind, line in enumerate(_KINDS):
        for names in line.split():
            first, *others = names.split("=")
            for name in (first, *others):
                yield name, (kind, first)
                if name.isalpha() and kind > 2 and not name.endswith("s"):
                    yield name + ("es" if name.endswith(("sh", "ch", "x", "o")) else "s"), (kind, first)


KINDS: dict[str, list[tuple[int, str]]] = {}
"""The kinds of a  and the name of what it names; orange is a fruit and a colour."""
for _name, _meaning in _named():
    KINDS.setdefault(_name, []).append(_meaning)
