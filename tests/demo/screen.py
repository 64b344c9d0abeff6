"""Output of the demo: one screen of plain text, in sections."""

import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

WIDTH = 118
BOLD, DIM, GREEN, RED, OFF = ("\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[0m")


def paint(text: str, *codes: str) -> str:
    plain = not sys.stdout.isatty() or "NO_COLOR" in os.environ
    return text if plain else "".join(codes) + text + OFF


def show(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def section(title: str) -> None:
    show("\n" + paint(f"── {title} " + "─" * max(0, WIDTH - len(title) - 4), BOLD))


def wrapped(detail: str) -> None:
    """Lines of detail below a title."""
    for line in detail.splitlines():
        show(textwrap.fill(line, WIDTH, initial_indent=" " * 10, subsequent_indent=" " * 12))


def columns(rows: Iterable[Sequence[str]], widths: Sequence[int]) -> None:
    for row in rows:
        show("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def answer(title: str, result: dict[str, Any]) -> None:
    """One call: what came back, and how long it took."""
    first = f", first text after {result['first'] * 1000:.0f} ms" if result.get("first") else ""
    show(f"  {paint(title, BOLD)}  {paint(f'{result["seconds"]:.2f} s in the SDK{first}', DIM)}")
    mark = paint(f"{result['error']}: ", RED) if "error" in result else ""
    show(textwrap.indent(mark + textwrap.shorten(result["text"], WIDTH - 12, placeholder=" …"), "    "))


def stages(lines: Sequence[dict[str, Any]], titles: Sequence[str]) -> None:
    """A table: what every stage decided and how many microseconds it took, a column for each exchange."""
    tables = [{stage: (micros, verdict) for stage, micros, verdict, *_ in line["outgate.stages"]} for line in lines]
    names = list(dict.fromkeys(name for line in lines for name, *_ in line["outgate.stages"]))
    widths = [18, *[17] * len(lines)]
    columns([["stage", *titles]], widths)
    for name in names:
        cells = [f"{table[name][1]:<7}{duration(table[name][0]):>9}" if name in table else "-" for table in tables]
        columns([[name, *cells]], widths)
    show()
    columns(
        [
            ["outcome", *(f"{line['outcome']}" for line in lines)],
            ["tokens in + out", *(usage(line) for line in lines)],
            ["cost", *(cost(line) for line in lines)],
            ["gateway + provider", *(f"{line['outgate.seconds'] * 1000:.0f} ms" for line in lines)],
        ],
        widths,
    )


def duration(micros: int) -> str:
    return f"{micros} µs" if micros < 100_000 else f"{micros / 1000:.0f} ms"


def usage(line: dict[str, Any]) -> str:
    given, made = line["gen_ai.usage.input_tokens"], line["gen_ai.usage.output_tokens"]
    return "-" if given is None else f"{given} + {made}"


def cost(line: dict[str, Any]) -> str:
    dollars = line["outgate.cost.usd"]
    return "-" if dollars is None else f"${float(dollars):.8f}"
