"""`outgate spend`: who spent what, added up from the audit lines in the state folder; and what a change of model did to it."""

from pathlib import Path
from typing import Any

import click
import orjson

from outgate.cli.audit_lines import read, spoken
from outgate.cli.options import JSON, STATE, Age
from outgate.cli.screen import say, table
from outgate.metering.spend import BY, FEWEST, Compared, Spend, compare, spend

_DAY, _MONTH = 86400.0, 30 * 86400.0


class _Names(click.ParamType[tuple[str, ...]]):
    """Names of columns, with commas between."""

    name = "columns"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",")))
        if unknown := [name for name in names if name not in BY]:
            self.fail(f"{unknown[0]!r} is none of {', '.join(BY)}", param, ctx)
        return names


@click.command()
@click.option("--last", "--since", "last", type=Age(), help="How far back: 90s, 15m, 6h, 7d. Default 1d; 30d with --compare.")
@click.option(
    "--by", type=_Names(), default=("workload", "model"), metavar="COLUMNS", help=f"Any of {', '.join(BY)}. Default workload,model."
)
@click.option("--compare", "models", nargs=2, metavar="MODEL MODEL", help="What a request cost with each, workload by workload.")
@STATE
@JSON
def command(*, last: float | None, by: tuple[str, ...], models: tuple[str, str] | None, state: Path, as_json: bool) -> None:
    """Say what was spent, the dearest first. A team is the groups of a workload.

    Costs are those of the closing lines: exact where the provider reported tokens and the price is known. Exit code 1 where the
    state folder cannot be read, or --compare finds neither model.
    """
    last = last if last is not None else _MONTH if models else _DAY
    lines = read(state, last=last)
    if models is not None:
        _compared(compare(lines, models), models, last, as_json=as_json)
        return
    groups = spend(lines, by)
    if as_json:
        click.echo(orjson.dumps([_entry(by, key, group) for key, group in groups.items()], option=orjson.OPT_INDENT_2))
    elif not groups:
        say([f"nothing was asked for in the last {spoken(last)}"])
    else:
        _show(groups, by, last)


def _show(groups: dict[tuple[str, ...], Spend], by: tuple[str, ...], last: float) -> None:
    heads = (*by, "requests", "input", "cached", "output", "US dollars")
    total = sum(one.dollars for one in groups.values())
    digits = 4 if total >= 1 else 6  # a request of few tokens costs millionths
    rows = [
        (*key, f"{one.requests:,}", f"{one.tokens_in:,}", _share(one), f"{one.tokens_out:,}", f"{one.dollars:,.{digits}f}")
        for key, one in groups.items()
    ]
    held = sum(one.held for one in groups.values())
    unpriced = sum(one.unpriced for one in groups.values())
    requests = sum(one.requests for one in groups.values())
    say([f"in the last {spoken(last)}: {total:,.{digits}f} US dollars, {requests:,} requests", ""])
    say(table(heads, rows, len(by)))
    notes = [f"at most {held:,.{digits}f} US dollars more, of requests that were cut off"] * bool(held)
    notes += [f"{unpriced:,} requests have no known price: see `prices` of a provider"] * bool(unpriced)
    say(["", *notes] if notes else [])


def _share(one: Spend) -> str:
    return f"{100 * one.cached / one.tokens_in:.0f} %" if one.tokens_in else "-"


def _entry(by: tuple[str, ...], key: tuple[str, ...], one: Spend) -> dict[str, Any]:
    figures = {"requests": one.requests, "input_tokens": one.tokens_in, "output_tokens": one.tokens_out, "unpriced": one.unpriced}
    dollars = {"cost.usd": str(one.dollars), "cost.hold.usd": str(one.held)}
    return dict(zip(by, key, strict=True)) | figures | {"cache_read.input_tokens": one.cached} | dollars


def _compared(found: list[Compared], models: tuple[str, str], last: float, *, as_json: bool) -> None:
    before, after = models
    if not found:
        raise click.ClickException(f"no request of the last {spoken(last)} has a known cost with {before} or {after}")
    if as_json:
        click.echo(orjson.dumps([_pair(each) for each in found], option=orjson.OPT_INDENT_2))
        return
    say([f"US dollars for 1,000 requests, in the last {spoken(last)}: {before}, then {after}", ""])
    heads = ("workload", "verdict", "requests", "before", "after", "change", "95 % interval")
    say(table(heads, [_row(each) for each in found], 2))
    say(["", f"Welch's interval; `no clear change` where it holds 0, `too few` below {FEWEST} requests with each."])


def _row(each: Compared) -> tuple[str, ...]:
    before, after = each.before, each.after
    counts = f"{before.count:,} / {after.count:,}"
    change = f"{100 * (after.mean / before.mean - 1):+.0f} %" if before.mean and after.count else "-"
    between = f"{1000 * each.low:+,.3f} to {1000 * each.high:+,.3f}" if each.low is not None and each.high is not None else "-"
    means = [f"{1000 * one.mean:,.3f}" if one.count else "-" for one in (before, after)]
    return (each.workload, each.verdict, counts, *means, change, between)


def _pair(each: Compared) -> dict[str, Any]:
    sides = {
        f"{name}.{what}": value
        for name, one in (("before", each.before), ("after", each.after))
        for what, value in (("requests", one.count), ("cost.usd", one.mean))
    }
    return {"workload": each.workload, "verdict": each.verdict, **sides, "low": each.low, "high": each.high}
