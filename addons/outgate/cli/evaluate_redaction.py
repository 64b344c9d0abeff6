"""`outgate evaluate redaction`: what `redact` would replace in each text, and how well that agrees with annotations."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click

from outgate.cli.evaluate import latency, records, some, write
from outgate.cli.policy_stages import live_stages
from outgate.detectors.pii.finders import ENTITIES
from outgate.guards.redaction import Entity, Redaction, RedactSettings
from outgate.inference.finding import Finding
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.stages.redact import Redact
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels

_WHO = Principal(name="evaluate")
_FILE = click.Path(path_type=Path, dir_okay=False)
_FORM = '{"text", "spans": [{"start", "end", "type"}]}'
_PLACES = ("ADDRESS", "STREET_ADDRESS", "STREET", "GPE", "LOC", "CITY", "STATE", "COUNTRY", "REGION", "PLACE")
_TYPES = {
    **dict.fromkeys(_PLACES, "LOCATION"),
    **dict.fromkeys(("NAME", "PER", "FIRST_NAME", "LAST_NAME"), "PERSON"),
    **dict.fromkeys(("ZIP_CODE", "ZIPCODE", "POSTCODE"), "POSTAL_CODE"),
    "ORG": "ORGANIZATION",
    "EMAIL": "EMAIL_ADDRESS",
    "PHONE": "PHONE_NUMBER",
    "IBAN": "IBAN_CODE",
    "SSN": "US_SSN",
    "IP": "IP_ADDRESS",
    "CARD": "CREDIT_CARD",
}
"""Names that others have for kinds."""
_ALIKE = frozenset({"LOCATION", "POSTAL_CODE"})
"""A postal code within an address is a part of a place: either name is right."""


class Span(NamedTuple):
    """An annotation."""

    start: int
    end: int
    type: str


class Annotated(NamedTuple):
    """A line of the input; without annotations nothing is counted."""

    text: str
    spans: Sequence[Span] | None


class _NoDocument:
    def encode(self, edits: Mapping[tuple[int, str | int], Any]) -> bytes:
        raise NotImplementedError

    def abridged(self, edits: Mapping[tuple[int, str | int], Any], most: int) -> tuple[bytes, int]:
        raise NotImplementedError


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f"JSON Lines of {_FORM}.")
@click.option("--json", "target", type=_FILE, required=True, help="Where rows, totals and latency are written.")
@click.option("--policy", type=_FILE, help="Take the settings of this policy's `redact`; else every kind there is.")
def command(*, source: Path, target: Path, policy: Path | None) -> None:
    """Find personal data in every text of a file, and say how well.

    A row is {"spans": [{"start", "end", "type", "score"}]}. A span counts as found where one of its type overlaps it. Latency is
    that of a text never seen, models included. Exit code 1 where a file cannot be read or written.
    """
    texts = some(source, records(source, _annotated))
    rows, seconds = asyncio.run(_found(policy, [each.text for each in texts]))
    summed, times = totals(texts, rows), latency([1000 * each for each in seconds])
    written = [{"spans": [{"start": s, "end": e, "type": t, "score": round(score, 3)} for t, s, e, score in row]} for row in rows]
    write(target, {"rows": written, "totals": summed, "latency_ms": times})
    for kind, figures in summed.items():
        click.echo(f"{kind}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))
    click.echo(f"latency_ms: {times}")


async def _found(policy: Path | None, texts: Sequence[str]) -> tuple[list[tuple[Finding, ...]], list[float]]:
    models, memo = LocalModels(), Memo(bytes(32))
    redaction = _redaction(policy, models, memo)
    await models.prepare(redaction.asks)
    rows, seconds = [], []
    for text in texts:
        began = time.perf_counter()
        prompt = Prompt(_NoDocument(), (Leaf(0, 0, text, Channel.USER, 0),))
        found = await redaction.findings(prompt, _WHO)
        seconds.append(time.perf_counter() - began)
        rows.append(found.get(0, ()))
    return rows, seconds


def _redaction(policy: Path | None, models: Any, memo: Memo) -> Redaction:
    """Of the first `redact` of a policy, by its live stage. Raises ClickException where there is none."""
    if policy is None:
        return Redaction(RedactSettings(entities=get_args(Entity.__value__)), models, memo)
    found = [stage.redaction for stage in live_stages(policy, models, memo) if isinstance(stage, Redact)]
    if not found:
        raise click.ClickException(f"{policy}: no route of this policy has the stage `redact`")
    return found[0]


def totals(texts: Sequence[Annotated], rows: Sequence[Sequence[Finding]]) -> dict[str, dict[str, float]]:
    """Recall and precision by type, of the texts that are annotated."""
    told: dict[str, dict[str, float]] = {}
    pairs = [(each.spans, row) for each, row in zip(texts, rows, strict=True) if each.spans is not None]
    known = (*ENTITIES, *get_args(Entity.__value__))
    for kind in sorted({span.type for spans, _ in pairs for span in spans} | {one.entity for _, row in pairs for one in row}):
        spans = [(span, row) for spans, row in pairs for span in spans if span.type == kind]
        found = [(one, spans) for spans, row in pairs for one in row if one.entity == kind]
        hits = sum(any(_agree(span, one) for one in row) for span, row in spans)
        right = sum(any(_agree(span, one) for span in given) for one, given in found)
        told[kind] = {"annotated": len(spans), "found": len(found)}
        if spans and kind in known:
            told[kind]["recall"] = round(hits / len(spans), 4)
        if found:
            told[kind]["precision"] = round(right / len(found), 4)
    return told


def _agree(span: Span, one: Finding) -> bool:
    same = span.type == one.entity or {span.type, one.entity} == _ALIKE
    return same and span.start < one.end and one.start < span.end


def _annotated(line: Any) -> Annotated:
    """Raises ValueError."""
    if not isinstance(line, dict) or not isinstance(line.get("text"), str):
        raise ValueError(f"this is not {_FORM}")  # noqa: TRY004 - one error for whatever a line may be
    given = line.get("spans")
    try:
        return Annotated(line["text"], None if given is None else list(map(_span, given)))
    except (TypeError, KeyError) as error:
        raise ValueError(f"this is not {_FORM}") from error


def _span(each: Any) -> Span:
    return Span(int(each["start"]), int(each["end"]), _TYPES.get(each["type"], each["type"]))
