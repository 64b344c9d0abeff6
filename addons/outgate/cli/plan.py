"""`outgate plan`: print the compiled order of every route, its reasons, and what runs again on which failure."""

import sys
from math import inf
from pathlib import Path

import click
import orjson

from outgate.cli.pool_lines import pool_lines
from outgate.errors import PolicyError
from outgate.pipeline.explain import explain, explain_json
from outgate.pipeline.plan import Plan
from outgate.policy.load import load_policy
from outgate.upstreams.retry_policy import Clock, Failure, Health, Retry, RoutePolicy, Tried, decide


@click.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("policies/default.yaml"))
@click.option("--route", help="Only the route of this name.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with every edge.")
def command(*, file: Path, route: str | None, as_json: bool) -> None:
    """Show the plans of a policy FILE. Exit code 1 when the policy is refused, 2 when it has no such route."""
    try:
        policy = load_policy(file)
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    listed: list[tuple[str, Plan, RoutePolicy | None]] = []
    if route is None:
        listed += [("CONNECT", policy.connect, None), ("request head", policy.head, None)]
    listed += [
        (f"route {each.name} at {', '.join(sorted(each.destinations))}", each.plan, each.retry)
        for each in policy.routes
        if route in (None, each.name)
    ]
    if not listed:
        raise click.UsageError(
            f"the policy has no route {route!r}; it has {', '.join(dict.fromkeys(each.name for each in policy.routes))}"
        )
    if as_json:
        click.echo(orjson.dumps({name: explain_json(plan) for name, plan, _ in listed}, option=orjson.OPT_INDENT_2).decode())
        return
    for name, plan, retry in listed:
        click.echo(f"== {name}\n{explain(plan)}{_told(retry) if retry is not None else ''}")
    if pools := pool_lines(policy):
        click.echo("\n".join(("== pools", *pools)))


def _told(retry: RoutePolicy) -> str:
    """What is tried again, and where it goes first, failure by failure."""
    every = Health(endpoints=1, budget=True)
    lines = [f"\nretries: {retry.attempts} attempts, {retry.same} more at the same endpoint"]
    for kind in sorted(retry.on):
        step = decide(Failure(kind), Tried(0), retry, every, Clock(inf, 1.0))
        lines.append(f"  {kind}: {step.where if isinstance(step, Retry) else step.reason}")
    lines.append(f"  what may have been received is {'' if retry.sent else 'not '}repeated")
    return "\n".join(lines) + "\n"
