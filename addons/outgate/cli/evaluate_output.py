"""`outgate evaluate output`: what the guards of the answer find in a file of labelled texts, by the code of the live stages."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from inspect import isawaitable
from pathlib import Path
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import click
import orjson

from outgate.cli.evaluate import records
from outgate.inference.judge import Part
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.pipeline.stage import StreamStage
from outgate.routing.figures import area
from outgate.stages.leak_guard import LeakGuard, LeakGuardSettings
from outgate.stages.output_pii import OutputPii, OutputPiiSettings
from outgate.stages.output_secrets import OutputSecrets, OutputSecretsSettings
from outgate.stages.toxicity_guard import ToxicityGuard, ToxicityGuardSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels

_FILE = click.Path(path_type=Path, dir_okay=False)
_FORM = '{"text", "label": 0 or 1, "kind"}'
_PART = Part(("content",), Channel.ASSISTANT)
_WHO = Principal(name="evaluate")


class Labelled(NamedTuple):
    """A line of the input: an answer, whether something is to be found in it, its kind, and the instructions it was given to."""

    text: str
    label: bool
    kind: str
    system: str


def guards() -> dict[str, StreamStage]:
    """The guard of each kind, as shipped but that it only flags."""
    return {
        "toxicity": ToxicityGuard(ToxicityGuardSettings(action="flag")),  # type: ignore[arg-type]
        "pii": OutputPii(OutputPiiSettings(action="flag"), LocalModels(), Memo(bytes(32))),  # type: ignore[arg-type]
        "secret": OutputSecrets(OutputSecretsSettings(action="flag"), LocalModels(), Memo(bytes(32))),  # type: ignore[arg-type]
        "leak": LeakGuard(LeakGuardSettings(action="flag")),  # type: ignore[arg-type]
    }


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f'JSON Lines of {_FORM}; for "leak" also "system".')
@click.option("--json", "target", type=_FILE, required=True, help="Where rows, totals and latency are written.")
def command(*, source: Path, target: Path) -> None:
    """Judge every text of a file as a whole answer, by the shipped settings of the guard of its kind.

    A row is {"score", "flagged"}. Exit code 1 where a file cannot be read or written, or names a kind that has no guard.
    """
    known = guards()
    asked = list(_labelled(source, known))
    rows, times = asyncio.run(_judged(asked, known))
    told = {
        "rows": rows,
        "totals": {kind: _totals(kind, asked, rows) for kind in dict.fromkeys(each.kind for each in asked)},
        "latency_ms": {
            name: times[int(share * (len(times) - 1))] if times else None for name, share in (("p50", 0.5), ("p99", 0.99))
        },
    }
    try:
        target.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    except OSError as error:
        raise click.ClickException(f"{target}: {error.strerror}") from error
    for name in ("totals", "latency_ms"):
        for key, value in told[name].items():  # type: ignore[attr-defined]
            click.echo(f"{key}: {value}")


async def _judged(asked: Sequence[Labelled], known: Mapping[str, StreamStage]) -> tuple[list[dict[str, Any]], list[float]]:
    rows, times = [], []
    for each in asked:
        start = perf_counter_ns()
        rows.append(await judged(known[each.kind], each))
        times.append(round((perf_counter_ns() - start) / 1e6, 3))
    return rows, sorted(times)


async def judged(stage: StreamStage, asked: Labelled) -> dict[str, Any]:
    """What a guard says of one answer."""
    leaves = (Leaf(0, 0, asked.system, Channel.SYSTEM, 0),) if asked.system else ()
    prompt = Prompt(cast("Any", None), leaves)
    judge: Any = stage.open(SimpleNamespace(prompt=prompt, placeholders=None, principal=_WHO, r_stream=None))
    if not judge.channels:
        return {"score": 0.0, "flagged": False}
    decision = judge.judge(_PART, asked.text, True)
    if isawaitable(decision):
        await decision
    return {"score": round(judge.score, 4), "flagged": bool(judge.verdict().matches)}


def _totals(kind: str, asked: Sequence[Labelled], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    mine = [(each.label, row) for each, row in zip(asked, rows, strict=True) if each.kind == kind]
    found, alarms = ([row["flagged"] for label, row in mine if label is which] for which in (True, False))
    scores = [[row["score"] for label, row in mine if label is which] for which in (True, False)]
    return {
        "positive": len(found),
        "negative": len(alarms),
        "recall": _share(found),
        "false_alarms": _share(alarms),
        "precision": _share([True] * sum(found) + [False] * sum(alarms)),
        "auc": area(scores[0], sorted(scores[1])),
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _labelled(file: Path, known: Mapping[str, Any]) -> Iterator[Labelled]:
    return records(file, lambda line: _label(line, known))


def _label(line: Any, known: Mapping[str, Any]) -> Labelled:
    """Raises ValueError."""
    if not isinstance(line, dict) or not isinstance(line.get("text"), str) or line.get("label") not in (0, 1):
        raise ValueError(f"this is not {_FORM}")
    if line.get("kind") not in known:
        raise ValueError(f'"kind" is none of {", ".join(known)}')
    system = line.get("system", "")
    if not isinstance(system, str):
        raise ValueError('"system" is no text')  # noqa: TRY004 - one error for whatever a line may be
    return Labelled(line["text"], bool(line["label"]), line["kind"], system)
