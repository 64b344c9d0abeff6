"""`outgate evaluate`: a decision of the gateway over a file of labelled texts, by the code of the live stage.

Each command reads JSON Lines and writes a JSON file of rows and a summary; it stands in a file `evaluate_NAME.py`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from outgate.cli.commands import Commands

COMMANDS = {
    "cache": "Judge pairs of questions: would one be given the other's answer?",
    "guards": "Judge texts: would the guards of the request act upon them?",
    "output": "Judge answers of models: what would a guard find in them?",
    "picker": "Pick replicas of a simulated pool: how long do first words take?",
    "redaction": "Find personal data in annotated texts: what would be replaced?",
    "routing": "Route labelled texts by the semantic rule of a policy.",
}


@click.group(cls=Commands, told=COMMANDS, prefix="outgate.cli.evaluate_")
def command() -> None:
    """Measure a decision of the gateway over a file of labelled texts."""


def records[T](file: Path, read: Callable[[Any], T]) -> Iterator[T]:
    """Every line that is not empty, decoded and read. `read` raises ValueError; ClickException names the line."""
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield read(orjson.loads(line))
            except ValueError as error:
                raise click.ClickException(f"{file}, line {number}: {error}") from error


def some[T](file: Path, lines: Iterator[T]) -> list[T]:
    """All lines of a file. ClickException where there are none."""
    found = list(lines)
    if not found:
        raise click.ClickException(f"{file}: there is no text in this file")
    return found


def write(file: Path, told: Mapping[str, Any]) -> None:
    """The figures, as JSON. ClickException names a file that cannot be written."""
    try:
        file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error


def latency(milliseconds: Sequence[float]) -> dict[str, float | None]:
    """The median and the 99th percentile; None of nothing."""
    ordered = sorted(milliseconds)
    shares = (("p50", 0.5), ("p99", 0.99))
    return {name: round(ordered[int(share * (len(ordered) - 1))], 3) if ordered else None for name, share in shares}
