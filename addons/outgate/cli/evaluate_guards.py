"""`outgate evaluate guards`: which texts the guards of the request would act upon, by the code of the live stages."""

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import click

from outgate.cli.evaluate import latency, records, some, write
from outgate.detectors.guard_settings import Act
from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import Action, Verdict
from outgate.model_server.engines import EngineError
from outgate.stages.prompt_guard import ClassifierSettings, PromptGuard, PromptGuardSettings
from outgate.stages.tool_result_guard import ToolResultGuard, ToolResultGuardSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import SIZE, StateSecret
from outgate.testing.ports import LocalModels

_FILE = click.Path(path_type=Path, dir_okay=False)
_FORM = '{"text", "label": 0 or 1, "channel": "user", "tool" or "system"}'
_CHANNELS = {"user": Channel.USER, "tool": Channel.TOOL_RESULT, "system": Channel.SYSTEM}


class Labelled(NamedTuple):
    """A line of the input."""

    text: str
    label: int
    channel: str


class Row(NamedTuple):
    """What is made of a text. `score` is that of the classifier, 1 where a certain rule matched."""

    score: float
    flagged: bool
    milliseconds: float


class Reads(NamedTuple):
    """What the guards see of a request."""

    prompt: Prompt
    principal: Principal


class Listening:
    """The models, and the highest score that they gave since it was reset."""

    def __init__(self, models: Any) -> None:
        self._models, self.highest = models, 0.0

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]:
        answers: list[Any] = await self._models.ask(model, items, options=options, share=share)
        self.highest = max([self.highest, *(score for score, _ in answers)])
        return answers


_PATIENCE = 600.0
"""Seconds for one text: here nobody waits for the answer."""


class Guards:
    """The guards of the request as a policy has them that acts on all that is certain, and on the classifier."""

    def __init__(self, models: Any, *, rules_only: bool) -> None:
        self._models, memo, secret, refused = Listening(models), Memo(bytes(32)), StateSecret(bytes(SIZE)), NothingRefused()
        settings = PromptGuardSettings(
            channels=tuple(_CHANNELS.values()),
            classifier=None if rules_only else ClassifierSettings(system=0.5, limit=_PATIENCE),
            rules={"classifier.user": Act.DENY, "classifier.system": Act.DENY},
        )
        prompts = PromptGuard(settings, memo, perf_counter, secret, refused, self._models)
        results = ToolResultGuard(ToolResultGuardSettings(limit=_PATIENCE), memo, secret, refused, self._models)
        self._stages = [prompts] if rules_only else [prompts, results]

    async def judge(self, text: str, channel: str, number: int) -> Row:
        """A request with this text, alone, of a tenant of its own: nothing is remembered."""
        prompt = Prompt(_Nowhere(), (Leaf(0, "content", text, _CHANNELS[channel], 0),))
        facts = Reads(prompt, Principal(name="evaluate", tenant=str(number)))
        self._models.highest = 0.0
        began = perf_counter()
        result: Any = None
        for stage in self._stages:
            result = await stage.run(facts)
            if _acted(result):
                break
        took = (perf_counter() - began) * 1_000
        return Row(max(self._models.highest, float(_is_certain(result))), _acted(result), took)


def _acted(result: Any) -> bool:
    return isinstance(result, Denial) or result[0].action is Action.WITHHELD


def _is_certain(result: Any) -> bool:
    """Whether a rule of the guard ended it, and not the classifier."""
    verdict: Verdict = (result.outputs if isinstance(result, Denial) else result)[0]
    acted = {match.rule for match in verdict.matches if match.action != Action.FLAGGED}
    return _acted(result) and any(not rule.startswith("classifier.") for rule in acted)


class NothingRefused:
    """Every text is new."""

    async def known(self, tenant: str, workload: str, digests: Collection[str]) -> Collection[str]:  # noqa: ARG002
        return ()

    async def add(self, tenant: str, workload: str, digests: Collection[str]) -> None:
        """Nothing is remembered."""


class _Nowhere:
    """The document of a text that stands in none."""

    def encode(self, edits: Any) -> bytes:
        raise NotImplementedError

    def abridged(self, edits: Any, most: int) -> tuple[bytes, int]:
        raise NotImplementedError


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f"JSON Lines of {_FORM}.")
@click.option("--json", "target", type=_FILE, required=True, help="Where rows and totals are written.")
@click.option("--rules-only", is_flag=True, help="Leave the classifier out.")
def command(*, source: Path, target: Path, rules_only: bool) -> None:
    """Judge every text of a file as a request of its own, by prompt_guard and tool_result_guard, rules and classifier.

    A row is {"score", "flagged"}: 0 to 1, and whether a policy that acts would refuse or withhold it: a certain rule matched, or
    the classifier is at the threshold of the channel. Rules that are signals do not count.

    Exit code 1 where a file cannot be read or written, or a model is missing.
    """
    lines = some(source, records(source, _label))
    try:
        rows = asyncio.run(_judged(lines, Guards(LocalModels(), rules_only=rules_only)))
    except (EngineError, OSError) as error:
        raise click.ClickException(f"the classifier cannot be loaded: {error or type(error).__name__}") from error
    told: dict[str, Any] = {
        "rows": [{"score": round(row.score, 6), "flagged": row.flagged} for row in rows],
        "totals": totals(lines, rows),
        "latency_ms": latency([row.milliseconds for row in rows]),
    }
    write(target, told)
    for channel, counts in told["totals"].items():
        click.echo(f"{channel}: {', '.join(f'{name} {value}' for name, value in counts.items())}")
    click.echo(f"latency: p50 {told['latency_ms']['p50']} ms, p99 {told['latency_ms']['p99']} ms")


async def _judged(lines: Sequence[Labelled], guards: Guards) -> list[Row]:
    await guards.judge("Hello.", lines[0].channel, -1)  # models are loaded in nobody's time
    return [await guards.judge(line.text, line.channel, number) for number, line in enumerate(lines)]


def totals(lines: Sequence[Labelled], rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Recall among attacks and alarms among the benign, in all and by channel."""
    found: dict[str, dict[str, Any]] = {}
    for channel in ("all", *_CHANNELS):
        mine = [(line.label, row.flagged) for line, row in zip(lines, rows, strict=True) if channel in ("all", line.channel)]
        if mine:
            attacks, benign = ([flagged for label, flagged in mine if label == each] for each in (1, 0))
            found[channel] = {"attacks": len(attacks), "recall": _share(attacks), "benign": len(benign), "alarms": _share(benign)}
    return found


def _share(flagged: Sequence[bool]) -> float | None:
    return round(sum(flagged) / len(flagged), 4) if flagged else None


def _label(line: Any) -> Labelled:
    """Raises ValueError."""
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise ValueError(f"this is not {_FORM}")  # noqa: TRY004 - one error for whatever a line may be
    label, channel = line.get("label"), line.get("channel", "user")
    if label not in (0, 1) or channel not in _CHANNELS:
        raise ValueError(f'"label" or "channel" is not as in {_FORM}')
    return Labelled(line["text"], int(label), channel)
