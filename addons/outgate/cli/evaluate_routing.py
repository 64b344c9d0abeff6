"""`outgate evaluate routing`: which name each text is routed to, and how surely, by the code of the live stage `route`."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson
from pydantic import ValidationError

from outgate.cli.evaluate import records, write
from outgate.cli.policy_stages import live_stages
from outgate.inference.principal import Principal
from outgate.routing.figures import NONE, summary
from outgate.routing.semantic import Judged, Semantic
from outgate.routing.topics import SemanticRule
from outgate.stages.route import Route
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels

_WHO = Principal(name="evaluate")
_FILE = click.Path(path_type=Path, dir_okay=False)
_FORM = '{"text", "route"}'


class Labelled(NamedTuple):
    """A line of the input: a text, and the name it belongs to; empty where that is not known."""

    text: str
    route: str


@click.command()
@click.option("--input", "source", type=_FILE, required=True, help=f'JSON Lines of {_FORM}; "none" is out of scope.')
@click.option("--json", "target", type=_FILE, required=True, help="Where rows and summary are written.")
@click.option("--policy", type=_FILE, help="Take the semantic rule of this policy's `route`.")
@click.option("--exemplars", type=_FILE, help='Take a semantic rule from JSON, or JSON Lines of {"text", "route", "topic"}.')
def command(*, source: Path, target: Path, policy: Path | None, exemplars: Path | None) -> None:
    """Route every text of a file, and say how well.

    A row is {"route", "score", "decided"}: the best name, its score, and what the rule decides with its threshold and margin.
    A text without a route is routed and not counted. Exit code 1 where a file cannot be read or written.
    """
    if (policy is None) == (exemplars is None):
        raise click.UsageError("give either --policy or --exemplars")
    models, memo = LocalModels(), Memo(bytes(32))
    if policy is not None:
        semantic = _of_policy(policy, models, memo)
    else:
        semantic = Semantic(_rule_of_file(exemplars or Path()), models, memo)
    asked = list(_labelled(source))
    _tell_doubts(source, asked, semantic.rule.names)
    judged = asyncio.run(_judged(semantic, [each.text for each in asked]))
    rows = [_row(each) for each in judged]
    told = summary([each.route for each in asked], rows)
    write(target, {"summary": told, "rows": rows})
    for name, value in told.items():
        click.echo(f"{name}: {value}")


def _of_policy(file: Path, models: Any, memo: Memo) -> Semantic:
    """The first semantic rule of a policy."""
    routes = [stage for stage in live_stages(file, models, memo) if isinstance(stage, Route)]
    found = [semantic for stage in routes for semantic in stage.router.semantic.values()]
    if not found:
        raise click.ClickException(f"{file}: no stage `route` of this policy has a semantic rule")
    return found[0]


def _rule_of_file(file: Path) -> SemanticRule:
    """Raises ClickException for a file of another form."""
    try:
        if file.suffix == ".jsonl":
            return SemanticRule.model_validate(_grouped(_lines(file)))
        return SemanticRule.model_validate(orjson.loads(file.read_bytes()))
    except (OSError, orjson.JSONDecodeError, ValidationError, KeyError) as error:
        raise click.ClickException(f"{file}: no exemplars of the form of `semantic`: {type(error).__name__}") from error


def _grouped(lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    names: dict[str, dict[str, list[str]]] = {}
    none: list[str] = []
    for line in lines:
        topics = names.setdefault(line["route"], {}) if line["route"] != NONE else {"": none}
        topics.setdefault("" if line["route"] == NONE else line.get("topic", ""), []).append(line["text"])
    plain = {name: topics[""] if topics.keys() == {""} else topics for name, topics in names.items()}
    return {"names": plain, "none_of_these": none}


def _tell_doubts(source: Path, asked: Sequence[Labelled], names: Collection[str]) -> None:
    """Refuse a file without a text; name labels that the rule cannot decide for, which count as wrong whatever it decides."""
    if not asked:
        raise click.ClickException(f"{source}: there is no text in this file")
    for label, count in Counter(each.route for each in asked if each.route not in {*names, NONE, ""}).items():
        click.echo(f"{source}: {count} of {len(asked)} texts are labelled {label!r}, which the rule does not name", err=True)


def _labelled(file: Path) -> Iterator[Labelled]:
    return records(file, _label)


def _label(line: Any) -> Labelled:
    """Raises ValueError."""
    if not isinstance(line, dict) or not isinstance(line.get("text"), str) or not isinstance(line.get("route", ""), str):
        raise ValueError(f"this is not {_FORM}")  # noqa: TRY004 - one error for whatever a line may be
    return Labelled(line["text"], line.get("route", ""))


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_bytes().splitlines():
        if line.strip():
            yield orjson.loads(line)


async def _judged(semantic: Semantic, texts: Sequence[str]) -> list[Judged]:
    return [await semantic.judge(text, _WHO) for text in texts]


def _row(judged: Judged) -> dict[str, Any]:
    scores, decided = judged
    return {"route": scores.name, "score": scores.score, "decided": scores.name if decided else NONE}
