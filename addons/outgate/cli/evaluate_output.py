"""`outgate evaluate output`: what the guards of the answer find in a file of labelled texts, by the code of the live stages.

A text is shown to the judge of its stage as a whole answer. What the stage does about what it found makes no difference here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from pathlib import Path
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import click

from outgate.cli.evaluate import latency, records, some, write
from outgate.cli.policy_stages import live_stages
from outgate.inference.judge import Part
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.model_server.engines import EngineError
from outgate.pipeline.stage import StreamStage
from outgate.routing.figures import area
from outgate.stages.leak_guard import LeakGuard, LeakGuardSettings
from outgate.stages.output_pii import OutputPii, OutputPiiSettings
from outgate.stages.output_secrets import OutputSecrets, OutputSecretsSettings
from outgate.stages.output_topics import OutputTopics
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


KINDS: dict[str, type[StreamStage]] = {
    "toxicity": ToxicityGuard, "pii": OutputPii, "secret": OutputSecrets, "leak": LeakGuard, "topic": OutputTopics,
}  # fmt: skip
"""The guard of each kind."""


def guards(policy: Path | None, models: Any) -> dict[str, StreamStage]:
    """The guard of each kind: that of the policy, if it has one, else as shipped. Topics are of a policy alone."""
    memo = Memo(bytes(32))
    shipped: dict[str, StreamStage] = {
        "toxicity": ToxicityGuard(ToxicityGuardSettings()),
        "pii": OutputPii(OutputPiiSettings(), models, memo),
        "secret": OutputSecrets(OutputSecretsSettings(), models, memo),
        "leak": LeakGuard(LeakGuardSettings()),
    }
    stages = live_stages(policy, models, memo) if policy is not None else ()
    mine = {kind: stage for kind, guard in KINDS.items() for stage in reversed(stages) if isinstance(stage, guard)}
    return shipped | mine


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f'JSON Lines of {_FORM}; for "leak" also "system".')
@click.option("--json", "target", type=_FILE, required=True, help="Where rows, totals and latency are written.")
@click.option("--policy", type=_FILE, help="Take the guards of this policy, and its topics; else those that are shipped.")
def command(*, source: Path, target: Path, policy: Path | None) -> None:
    """Judge every text of a file as a whole answer, by the guard of its kind.

    A row is {"score", "flagged"}; totals and latency are by kind, and latency in all. Exit code 1 where a file cannot be read or
    written, names a kind that has no guard, or a model is missing.
    """
    models = LocalModels()
    known = guards(policy, models)
    asked = some(source, records(source, lambda line: _label(line, known)))
    try:
        rows, times = asyncio.run(_judged(asked, known, models))
    except (EngineError, OSError) as error:
        raise click.ClickException(f"a model cannot be loaded: {error or type(error).__name__}") from error
    told = {
        "rows": rows,
        "totals": {kind: _totals(kind, asked, rows, times) for kind in dict.fromkeys(each.kind for each in asked)},
        "latency_ms": latency(times),
    }
    write(target, told)
    for name in ("totals", "latency_ms"):
        for key, value in told[name].items():  # type: ignore[attr-defined]
            click.echo(f"{key}: {value}")


async def _judged(
    asked: Sequence[Labelled], known: Mapping[str, StreamStage], models: LocalModels
) -> tuple[list[dict[str, Any]], list[float]]:
    rows, times = [], []
    for kind in {each.kind for each in asked}:  # models are loaded in nobody's time
        await models.prepare(known[kind].asks)
        await known[kind].start()
    for each in asked:
        start = perf_counter_ns()
        rows.append(await judged(known[each.kind], each))
        times.append((perf_counter_ns() - start) / 1e6)
    return rows, times


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


def _totals(kind: str, asked: Sequence[Labelled], rows: Sequence[Mapping[str, Any]], times: Sequence[float]) -> dict[str, Any]:
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
        "latency_ms": latency([took for each, took in zip(asked, times, strict=True) if each.kind == kind]),
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _label(line: Any, known: Mapping[str, Any]) -> Labelled:
    """Raises ValueError."""
    if not isinstance(line, dict) or not isinstance(line.get("text"), str) or line.get("label") not in (0, 1):
        raise ValueError(f"this is not {_FORM}")
    if line.get("kind") not in known:
        missing = "; topics are those of a policy with `output_topics` (--policy)" if line.get("kind") == "topic" else ""
        raise ValueError(f'"kind" is none of {", ".join(known)}{missing}')
    system = line.get("system", "")
    if not isinstance(system, str):
        raise ValueError('"system" is no text')  # noqa: TRY004 - one error for whatever a line may be
    return Labelled(line["text"], bool(line["label"]), line["kind"], system)
