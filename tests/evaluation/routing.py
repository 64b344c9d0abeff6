"""Measure semantic routing on CLINC150's ten domains, on held-out texts: how many exemplars a policy needs; a table and a plot."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from outgate.inference.principal import Principal
from outgate.model_server.engines.onnx import load_encoder
from outgate.routing.figures import summary
from outgate.routing.model import load
from outgate.routing.semantic import Semantic
from outgate.routing.topics import SemanticRule
from outgate.stores.memo import Memo

DATA = Path(__file__).resolve().parents[2].parent / "shared/data/clinc150"
NAMED, UNNAMED, NONE = (1, 3, 5, 10, 20, 100), (5, 20, 100, 300), (0, 20, 100)
_WHO = Principal(name="evaluate")


class Clinc(NamedTuple):
    """Exemplars by domain and intent, those of none, and what is judged: texts and domains."""

    intents: dict[str, dict[str, list[str]]]
    none: list[str]
    texts: list[str]
    labels: list[str]


class CachedModels:
    """The models of the model server, in this process; a text is embedded once."""

    def __init__(self) -> None:
        self._encoder, self._fit = load_encoder(), load()
        self._known: dict[str, str] = {}

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        if model == "topics":
            return [self._fit.merge(job, self._fit.run(job.pieces, options)) for job in map(self._fit.split, items)]
        for item in items:
            if item not in self._known:
                (vector,) = self._encoder.embed([item])
                self._known[item] = b64encode(vector).decode()
        return [self._known[item] for item in items]


def clinc() -> Clinc | None:
    """The set; None where its files are missing."""
    if not DATA.is_dir():
        return None
    data, domains = (json.loads((DATA / name).read_text()) for name in ("data.json", "domains.json"))
    domain = {intent: name for name, intents in domains.items() for intent in intents}
    intents: dict[str, dict[str, list[str]]] = {name: {intent: [] for intent in each} for name, each in domains.items()}
    for text, intent in data["train"]:
        intents[domain[intent]][intent].append(text)
    held = [(text, domain[intent]) for text, intent in data["val"]] + [(text, "none") for text, _ in data["oos_val"]]
    return Clinc(intents, [text for text, _ in data["oos_train"]], [text for text, _ in held], [label for _, label in held])


def measured(known: Clinc) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Kind of exemplars, how many, and the figures."""
    models = CachedModels()
    for count in NAMED:
        names = {name: {intent: texts[:count] for intent, texts in each.items()} for name, each in known.intents.items()}
        yield "an intent", count, _figures(models, known, names, known.none)
    for count in UNNAMED:
        yield "a route", count, _figures(models, known, _drawn(known, count), known.none)
    full = {name: {intent: texts[:10] for intent, texts in each.items()} for name, each in known.intents.items()}
    for count in NONE[:-1]:
        yield "none", count, _figures(models, known, full, known.none[:count])


def _drawn(known: Clinc, count: int) -> dict[str, list[str]]:
    """So many texts of each domain, of any intent."""
    pools = {name: [text for texts in each.values() for text in texts] for name, each in known.intents.items()}
    return {name: Random(count).sample(pool, count) for name, pool in pools.items()}


def _figures(models: CachedModels, known: Clinc, names: dict[str, Any], none: Sequence[str]) -> dict[str, Any]:
    rule = SemanticRule.model_validate({"names": names, "none_of_these": none})
    judged = asyncio.run(_judged(rule, models, known.texts))
    rows = [{"route": each.scores.name, "score": each.scores.score, "decided": "none"} for each in judged]
    return summary(known.labels, rows)


async def _judged(rule: SemanticRule, models: CachedModels, texts: Sequence[str]) -> list[Any]:
    semantic = Semantic(rule, models, Memo(bytes(32)))
    return [await semantic.judge(text, _WHO) for text in texts]


def report(out: Path) -> Iterator[str]:
    """The table, and `routing.svg` beside it."""
    known = clinc()
    if known is None:
        yield f"scripts/evaluate: no CLINC150 here: {DATA} is missing"
        return
    yield "| exemplars | in-scope accuracy | out-of-scope AUC | accuracy at .80 out-of-scope recall | threshold there |"
    yield "|---|---|---|---|---|"
    curve = []
    for kind, count, found in measured(known):
        label = f"{count} of none, 10 an intent" if kind == "none" else f"{count} {kind}"
        figures = (
            "in_scope_accuracy",
            "out_of_scope_auc",
            "accuracy_at_80_out_of_scope_recall",
            "threshold_at_80_out_of_scope_recall",
        )
        yield f"| {label} | {' | '.join(f'{found[name]:.3f}' for name in figures)} |"
        curve += [(count, found)] if kind == "an intent" else []
    (out / "routing.svg").write_text(_plot(curve))


_WIDTH, _HEIGHT, _LEFT, _TOP = 560, 300, 60, 20
_AXIS = "exemplars an intent (150 intents, ten routes)"
_LINES = (
    ("in_scope_accuracy", "in-scope accuracy", "#1f6feb"),
    ("out_of_scope_auc", "out-of-scope AUC", "#bf5700"),
    ("accuracy_at_80_out_of_scope_recall", "right at .80 out-of-scope recall", "#2e7d32"),
)


def _plot(curve: Sequence[tuple[int, dict[str, Any]]]) -> str:
    """Figures over exemplars an intent, from .75 to 1."""
    across = [_LEFT + index * (_WIDTH - _LEFT - 20) / (len(curve) - 1) for index in range(len(curve))]

    def down(value: float) -> float:
        return _TOP + (1 - value) / 0.25 * (_HEIGHT - _TOP - 40)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT + 60}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT + 60}" fill="white"/>',
    ]
    for value in (0.75, 0.8, 0.85, 0.9, 0.95, 1.0):
        parts.append(f'<path d="M{_LEFT} {down(value):.1f}H{_WIDTH - 20}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{down(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
    for x, (count, _) in zip(across, curve, strict=True):
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{count}</text>')
    parts.append(f'<text x="{(_LEFT + _WIDTH) / 2:.0f}" y="{_HEIGHT - 4}" text-anchor="middle">{_AXIS}</text>')
    for row, (name, label, colour) in enumerate(_LINES):
        points = " ".join(f"{x:.1f},{down(found[name]):.1f}" for x, (_, found) in zip(across, curve, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT}" y="{_HEIGHT + 16 + 16 * row}" fill="{colour}">{label}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
