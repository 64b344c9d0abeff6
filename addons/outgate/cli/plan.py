"""`outgate plan`: print the compiled order of every route, its reasons, and what runs again on which failure."""

import sys
from pathlib import Path

import click
import orjson

from outgate.errors import PolicyError
from outgate.pipeline.explain import explain, explain_json
from outgate.policy.load import load_policy


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
    plans = {"CONNECT": policy.connect, "request head": policy.head} if route is None else {}
    listed = list(plans.items())
    listed += [
        (f"route {each.name} at {', '.join(sorted(each.destinations))}", each.plan)
        for each in policy.routes
        if route in (None, each.name)
    ]
    if not listed:
        raise click.UsageError(
            f"the policy has no route {route!r}; it has {', '.join(dict.fromkeys(each.name for each in policy.routes))}"
        )
    if as_json:
        click.echo(orjson.dumps({name: explain_json(plan) for name, plan in listed}, option=orjson.OPT_INDENT_2).decode())
        return
    for name, plan in listed:
        click.echo(f"== {name}\n{explain(plan)}")
