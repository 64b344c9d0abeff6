"""`outgate check`: report every problem of policies at once, and run the behaviour tests beside them. Nothing is dialled."""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from outgate.cli.options import default_policy
from outgate.errors import PolicyError, Problem
from outgate.metering.prices import Prices
from outgate.policy.build import sorted_problems
from outgate.policy.files import shared_secret
from outgate.policy.lint_prices import unpriced
from outgate.policy.lint_tokens import ending
from outgate.policy.load import load_source
from outgate.policy.reference import DIAGNOSTICS, policy_schema_bytes
from outgate.policy.source import Source, read_source
from outgate.policy.validate import validate
from outgate.policy.validation_messages import nearest
from outgate.policy.values import prices_of
from outgate.testing.beside import cases_beside, policy_beside
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.credentials import Credentials


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), envvar="OUTGATE_POLICY")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of policy files, for editors, and end.")
@click.option("--explain", metavar="CODE", help="Say what a code such as E_STALE_READ means and what mends it, and end.")
@click.option("--credentials", is_flag=True, help="Also check that every provider's credential can be read here.")
@click.option("--elsewhere", is_flag=True, help="The policy runs on another machine: files it names may be missing on this one.")
def command(
    *, files: tuple[Path, ...], as_json: bool, schema: bool, explain: str | None, credentials: bool, elsewhere: bool
) -> None:
    """Check policy FILES (without any, what OUTGATE_POLICY names, policies/default.yaml or policy.yaml) and run the tests there.

    NAME.test.yaml stands for NAME.yaml, whose tests it holds: both are checked, once.

    Exit code 1 when a policy has an error or a test fails; warnings alone do not fail.
    """
    if schema:
        sys.stdout.buffer.write(policy_schema_bytes())
        return
    if explain is not None:
        _explain(explain.upper())
        return
    policies = dict.fromkeys(map(_policy_of, files or (default_policy(),)))
    reports = [_checked(file, credentials=credentials, elsewhere=elsewhere) for file in policies]
    if as_json:
        click.echo(orjson.dumps(reports, option=orjson.OPT_INDENT_2).decode())
    else:
        for report in reports:
            _show(report)
    sys.exit(0 if all(report["ok"] for report in reports) else 1)


def _explain(code: str) -> None:
    known = DIAGNOSTICS.get(code)
    if known is None:
        near = nearest(code, frozenset(DIAGNOSTICS))
        told = f"did you mean {near}?" if near else "those of refusals stand in docs/reference/denials.md"
        raise click.UsageError(f"there is no code {code!r}; {told}")
    click.echo(f"{code}: {known.meaning}\n    repair: {known.repair}")


def _policy_of(file: Path) -> Path:
    try:
        return policy_beside(file) or file
    except PolicyError:
        return file


def _checked(file: Path, *, credentials: bool, elsewhere: bool) -> dict[str, Any]:
    problems: tuple[Problem, ...] = ()
    failed: tuple[Any, ...] = ()
    tests, revision = 0, ""
    try:
        policy_beside(file)
        source = read_source(file)
        policy = load_source(source, elsewhere=elsewhere)
        problems, revision = sorted_problems([*policy.warnings, *_of_today(source)]), policy.revision
        if credentials:
            shared_secret(file, policy.gateway, os.environ)
            problems += asyncio.run(unreadable(policy.catalog))
        tests, failed = _behaviour(file, elsewhere=elsewhere)
    except PolicyError as error:
        problems = error.problems
    return {
        "file": str(file),
        "ok": not failed and not any(problem.is_error for problem in problems),
        "revision": revision,
        "problems": [asdict(problem) for problem in problems],
        "tests": tests,
        "failed": [{"test": each.case, "line": each.line, "differences": list(each.differences)} for each in failed],
    }


def _behaviour(file: Path, *, elsewhere: bool) -> tuple[int, tuple[Any, ...]]:
    if not cases_beside(file).is_file():
        return 0, ()
    from outgate.testing.behaviour import run_behaviour  # with all that an exchange needs

    return asyncio.run(run_behaviour(file, elsewhere=elsewhere))


def _of_today(source: Source) -> Iterator[Problem]:
    """Tokens that end, and models without a price: whether there is one, so that its time does not matter."""
    policy = validate(source)[0].policy
    yield from ending(source, policy, datetime.now(UTC).timestamp())
    yield from unpriced(source, policy, Prices(lambda: 0.0, prices_of(policy)))


async def unreadable(catalog: Catalog) -> tuple[Problem, ...]:
    """What is wrong with the credentials as they can be read on this machine. Commands are run; no token endpoint is asked."""
    known = Credentials(os.environ, time.monotonic, lambda: 0.0)  # nothing is signed here
    for backend in catalog.backends:
        await known.ready(backend)
    return tuple(problem for backend in catalog.backends for problem in known.check(backend))


def _show(report: dict[str, Any]) -> None:
    for problem in report["problems"]:
        click.echo(str(Problem(**problem)))
    for each in report["failed"]:
        click.echo(f"test failed: {each['test']} (line {each['line']})")
        for difference in each["differences"]:
            click.echo(f"    {difference}")
    passed = report["tests"] - len(report["failed"])
    tests = f", {passed} of {report['tests']} tests passed" if report["tests"] else ""
    verdict = f"ok, revision {report['revision']}" if report["ok"] else "refused"
    click.echo(f"{report['file']}: {verdict}{tests}")
