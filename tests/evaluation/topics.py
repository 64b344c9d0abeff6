"""Measure restricted topics on CLINC150: recall at 2 % alarms, by phrases a topic; other texts set the threshold."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from statistics import mean
from typing import NamedTuple

from evaluation.routing import DATA, CachedModels
from outgate.inference.principal import Principal
from outgate.routing.semantic import Semantic
from outgate.routing.topics import RestrictedTopics
from outgate.stores.memo import Memo

ALARMS, PHRASES, NONE, EVERY = 0.02, (5, 10), (0, 20), 5
"""`EVERY` fifth intent is a narrow topic of its own."""
_WHO = Principal(name="evaluate")

type Texts = Mapping[str, Sequence[str]]
"""Texts by topic."""


class Part(NamedTuple):
    """Texts of the validation part: those on a topic; all others; and others by which the threshold is set."""

    on: list[str]
    off: list[str]
    tuned: list[str]


class Row(NamedTuple):
    """What is found at the threshold at which 2 % of other texts were alarms."""

    recall: float
    alarms: float
    threshold: float
    shipped: tuple[float, float]


def report() -> Iterator[str]:
    """The table."""
    if not DATA.is_dir():
        yield f"scripts/evaluate: no CLINC150 here: {DATA} is missing"
        return
    models, data = CachedModels(), json.loads((DATA / "data.json").read_text())
    none = [text for text, _ in data["oos_train"]]
    yield "| restricted | phrases a topic | of none | recall at 2 % | worst | alarms there | threshold | recall, alarms at 0.5 |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind, known, several in _scenarios(data):
        for count in PHRASES:
            for away in NONE:
                rows = [_row(models, data, known, names, count, none[:away]) for names in several]
                yield _told(kind, count, away, rows)


def _scenarios(data: Mapping[str, Sequence[tuple[str, str]]]) -> Iterator[tuple[str, dict[str, str], list[list[str]]]]:
    """Kind of topic, topic by intent, and which topics are restricted together."""
    intents = sorted({intent for _, intent in data["train"]})
    domains = json.loads((DATA / "domains.json").read_text())
    domain = {intent: name for name, own in domains.items() for intent in own}
    yield "all ten domains", domain, [sorted(domains)]
    yield "one domain", domain, [[name] for name in sorted(domains)]
    yield "one intent", {name: name for name in intents}, [[name] for name in intents[::EVERY]]


def _row(
    models: CachedModels,
    data: Mapping[str, Sequence[tuple[str, str]]],
    known: Mapping[str, str],
    names: Sequence[str],
    count: int,
    none: Sequence[str],
) -> Row:
    pools = {name: [text for text, intent in data["train"] if known[intent] == name] for name in names}
    drawn = {name: Random(count).sample(pool, count) for name, pool in pools.items()}
    rule = RestrictedTopics.model_validate({"names": drawn, "none_of_these": none})
    semantic = Semantic(rule, models, Memo(bytes(32)))
    on, off, tuned = asyncio.run(_scores(semantic, _part(data, known, names)))
    threshold = sorted(tuned, reverse=True)[int(ALARMS * len(tuned))]
    shipped = _share(on, rule.threshold), _share(off, rule.threshold)
    return Row(_share(on, threshold), _share(off, threshold), threshold, shipped)


def _part(data: Mapping[str, Sequence[tuple[str, str]]], known: Mapping[str, str], names: Sequence[str]) -> Part:
    """Every third text on a topic, where they are many, and every third on none; out-of-scope texts are on none."""
    on = [text for text, intent in data["val"] if known[intent] in names]
    others = [text for text, intent in data["val"] if known[intent] not in names]
    strange = [text for text, _ in data["oos_val"]], [text for text, _ in data["oos_train"][NONE[-1] :]]
    return Part(on[:: 3 if len(on) > 100 else 1], others[::3] + strange[0], others[1::3] + strange[1])


async def _scores(semantic: Semantic, part: Part) -> list[list[float]]:
    return [[each.scores.score for each in await semantic.judge_all(texts, _WHO)] for texts in part]


def _share(scores: Sequence[float], threshold: float) -> float:
    return sum(score > threshold for score in scores) / len(scores)


def _told(kind: str, count: int, away: int, rows: Sequence[Row]) -> str:
    figures = mean(row.recall for row in rows), min(row.recall for row in rows), mean(row.alarms for row in rows)
    thresholds = sorted(row.threshold for row in rows)
    middle = f"{thresholds[len(thresholds) // 2]:.2f}" if len(rows) == 1 else f"{thresholds[0]:.2f} to {thresholds[-1]:.2f}"
    shipped = ", ".join(f"{mean(row.shipped[at] for row in rows):.3f}" for at in (0, 1))
    return f"| {kind} | {count} | {away} | {' | '.join(f'{each:.3f}' for each in figures)} | {middle} | {shipped} |"
