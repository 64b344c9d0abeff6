"""`outgate evaluate cache`: which questions would be given one answer, by the code of the live stage `cache_similar`."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from outgate.answers import judgement
from outgate.answers.evaluation import Pair, Turns, rows, summary
from outgate.cli.evaluate import records, write
from outgate.model_server import engines
from outgate.model_server.engines import Encoder, EngineError

_FILE = click.Path(path_type=Path, dir_okay=False)
_FORM = '{"a", "b", "same": 0 or 1} and, if known, "kind"'
_ROLES = frozenset({"system", "user", "assistant"})


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f"JSON Lines of {_FORM}.")
@click.option("--json", "target", type=_FILE, required=True, help="Where rows and summary are written.")
@click.option("--engine", type=click.Choice(["onnx", "sentence-transformers"]), default="onnx", help="What embeds the questions.")
@click.option(
    "--model", default="int8", help="`int8` or `fp32` of the packaged model for onnx; a folder for sentence-transformers."
)
def command(*, source: Path, target: Path, engine: str, model: str) -> None:
    """Judge every pair of a file as if `b` were stored and `a` were asked, and say what is served.

    A question with turns before it is a list of {"role", "content"}, the question last: it is judged as under `history: meaning`.

    A row is {"hit", "similarity", "verified", "vetoes"}: whether it is served, the cosine, the verifier's score (0 where it was not
    asked), and the checks that refused it.

    Exit code 1 where a file cannot be read or written, or a model is missing.
    """
    pairs = list(_pairs(source))
    if not pairs:
        raise click.ClickException(f"{source}: there is no pair in this file")
    try:
        judged = rows(pairs, encoder_of(engine, model), judgement.load())
    except EngineError as error:
        raise click.ClickException(str(error)) from error
    told = summary(pairs, judged)
    write(target, {"summary": told, "rows": judged})
    for line in _table(told):
        click.echo(line)


def encoder_of(engine: str, model: str) -> Encoder:
    """The encoder of an engine. Raises EngineError."""
    found = import_module(f"{engines.__name__}.{engine.replace('-', '_')}")
    encoder: Encoder = found.encoder_of(model)
    return encoder


def _pairs(source: Path) -> Iterator[Pair]:
    return records(source, _pair)


def _pair(line: Any) -> Pair:
    """Raises ValueError."""
    if not isinstance(line, dict):
        raise ValueError(f"this is not {_FORM}")  # noqa: TRY004 - one error for whatever a line may be
    (a, before_a), (b, before_b) = _asked(line.get("a")), _asked(line.get("b"))
    if line.get("same") not in (0, 1):
        raise ValueError('"same" is neither 0 nor 1')
    return Pair(a, b, bool(line["same"]), str(line.get("kind", "")), (before_a, before_b))


def _asked(value: Any) -> tuple[str, Turns]:
    """A question and the turns before it. Raises ValueError."""
    turns = [{"role": "user", "content": value}] if isinstance(value, str) else value
    if not isinstance(turns, list) or not turns or not all(map(_is_turn, turns)) or turns[-1]["role"] != "user":
        raise ValueError(f"this is not {_FORM}")
    return turns[-1]["content"], tuple((turn["role"], turn["content"]) for turn in turns[:-1])


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, dict) and turn.get("role") in _ROLES and isinstance(turn.get("content"), str)


def _table(told: dict[str, Any]) -> Iterator[str]:
    yield f"{'':32}{'pairs':>8}{'served':>8}{'rate':>9}"
    for name, rate in {"same": told["same"], "different": told["different"], **told["kinds"]}.items():
        yield f"{name:32}{rate['pairs']:>8}{rate['served']:>8}{_percent(rate['rate']):>9}"
    yield f"precision {_percent(told['precision'])}"
    yield f"\n{'score at least':16}{'same':>9}{'different':>11}"
    for point in told["curve"]:
        yield f"{point['score']:<16}{_percent(point['same']):>9}{_percent(point['different']):>11}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.2f} %"
