"""`outgate plan`: show a policy on one screen, or the order of every route, its reasons, and what runs again on which failure."""

import sys
from math import inf
from pathlib import Path

import click
import orjson

from outgate.cli.misspelt import there_is_no
from outgate.cli.options import default_policy
from outgate.cli.overview import overview
from outgate.cli.pool_lines import pool_lines
from outgate.cli.screen import say
from outgate.errors import PolicyError
from outgate.pipeline.explain import explain, explain_json, explain_reruns
from outgate.pipeline.plan import Plan
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_policy
from outgate.upstreams.retry_policy import Clock, Failure, Health, Retry, RoutePolicy, Tried, decide


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=default_policy, envvar="OUTGATE_POLICY")
@click.option("--route", help="Only the route of this name.")
@click.option("--why", is_flag=True, help="The order of every stage, with the reason for it.")
@click.option("--retry", is_flag=True, help="What is tried again on which failure, and which stages run again.")
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON, with every edge.")
def command(*, file: Path, route: str | None, why: bool, retry: bool, as_json: bool) -> None:
    """Show a policy FILE (without one, as `check`) on one screen: a line for each route, and what each workload may use.

    With --why and --retry: its plans. Exit code 1 when the policy is refused, 2 when it has no such route.
    """
    try:
        policy = load_policy(file)
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    names = tuple(dict.fromkeys(each.name for each in policy.routes))
    if route is not None and route not in names:
        raise click.UsageError(there_is_no("route", route, names, str(file)))
    if as_json:
        found = {name: explain_json(plan) for name, plan, _ in _plans(policy, route)}
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    if not why and not retry:
        say(overview(policy, route))
    for name, plan, tried in _plans(policy, route) if why or retry else ():
        parts = [explain(plan, reruns=retry)] if why else ["\n".join(explain_reruns(plan)) + "\n"]
        click.echo(f"== {name}\n{''.join(parts)}{_told(tried) if retry and tried is not None else ''}")
    if pools := pool_lines(policy):
        click.echo("\n".join(("== pools", *pools)))


def _plans(policy: LivePolicy, route: str | None) -> list[tuple[str, Plan, RoutePolicy | None]]:
    first: list[tuple[str, Plan, RoutePolicy | None]] = [("CONNECT", policy.connect, None), ("request head", policy.head, None)]
    return (first if route is None else []) + [
        (f"route {each.name} at {', '.join(sorted(each.destinations))}", each.plan, each.retry)
        for each in policy.routes
        if route in (None, each.name)
    ]


def _told(retry: RoutePolicy) -> str:
    """What is tried again, and where it goes first, failure by failure."""
    every = Health(endpoints=1, budget=True)
    lines = [f"\nretries: {retry.attempts} attempts, {retry.same} more at the same endpoint"]
    for kind in sorted(retry.on):
        step = decide(Failure(kind), Tried(0), retry, every, Clock(inf, 1.0))
        lines.append(f"  {kind}: {step.where if isinstance(step, Retry) else step.reason}")
    lines.append(f"  what may have been received is {'' if retry.sent else 'not '}repeated")
    return "\n".join(lines) + "\n"
