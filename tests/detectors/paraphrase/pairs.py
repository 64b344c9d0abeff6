"""Read tables of pairs: `one | other`, a line each."""

import pytest

from outgate.detectors.paraphrase.words import Words, read


def pairs(table: str) -> pytest.MarkDecorator:
    """Parametrise with the pairs of a table, as words."""
    lines = [line.strip() for line in table.strip().splitlines()]
    return pytest.mark.parametrize(("a", "b"), [_pair(line) for line in lines], ids=lines)


def _pair(line: str) -> tuple[Words, Words]:
    one, other = line.split(" | ")
    return read(one), read(other)
