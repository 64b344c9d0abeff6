"""Text for a terminal: tables and lines that never break a word, as wide as the screen. Into a pipe, a line stays one line."""

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from textwrap import wrap

import click

_WIDEST, _UNBOUND = 160, 10_000
_GAP = "  "


def width() -> int:
    """Columns: what COLUMNS says, else those of the terminal; without a terminal, more than a line has."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return max(40, int(said))
    return min(_WIDEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else _UNBOUND


def say(lines: Iterable[str], hang: int = 4) -> None:
    """Print lines; what does not fit goes on `hang` columns in. Characters that could steer a terminal are shown as `?`."""
    columns = width()
    for line in lines:
        safe = printable(line)
        folded = wrap(safe, columns, subsequent_indent=" " * hang, break_long_words=False, break_on_hyphens=False)
        click.echo("\n".join(folded or [""]))


def printable(text: str) -> str:
    """The text with `?` for whatever a terminal might act on."""
    return text if text.isprintable() else "".join(each if each.isprintable() else "?" for each in text)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> list[str]:
    """Rows under heads; the first `texts` columns are text, to the left, the others numbers, to the right.

    Where it is wider than the screen, the widest texts are cut, with `…`.
    """
    cells = [list(heads), *([printable(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(heads))]
    while sum(widths) + len(_GAP) * (len(heads) - 1) > width() and max(widths[:texts], default=0) > 8:
        widths[widths.index(max(widths[:texts]))] -= 1
    return [_GAP.join(_cell(cell, widths[at], left=at < texts) for at, cell in enumerate(row)).rstrip() for row in cells]


def _cell(text: str, size: int, *, left: bool) -> str:
    short = text if len(text) <= size else f"{text[: size - 1]}…"
    return short.ljust(size) if left else short.rjust(size)
