"""The one way in which commands read audit lines."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from outgate.cli.options import UNITS
from outgate.metering.meant import Names
from outgate.stores.reading_back import closing_lines


def accounts_of(state: Path) -> Path:
    """The folder of accounts of a state folder. Raises ClickException where there is none."""
    accounts = state / "accounts"
    if not accounts.is_dir():
        raise click.ClickException(f"{accounts}: there is no such folder; name the state folder of the gateway with --state")
    return accounts


def read(state: Path, *, mention: str = "", last: float | None = None) -> Iterator[dict[str, Any]]:
    """The closing lines of the last seconds, or all. Raises ClickException where they cannot be read."""
    accounts = accounts_of(state)
    try:
        yield from closing_lines(accounts, mention, time.time() - last if last is not None else 0.0)
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


def names_of(file: Path) -> Names:
    """What a policy names; nothing where it cannot be read: then permits do not say names, and nothing is near to them."""
    from outgate.errors import PolicyError
    from outgate.policy.references import models_named
    from outgate.policy.source import read_source
    from outgate.policy.validate import validate

    try:
        source = read_source(file)
        policy = validate(source)[0].policy
    except PolicyError:
        return Names()
    providers = {
        name if ":" in name else f"{name}:{port}": provider
        for provider, section in policy.providers.items()
        for name, port in ((section.host, section.port), *((alias, 80) for alias in section.aliases))
    }
    return Names(providers, frozenset(policy.workloads), models_named(source))


def spoken(seconds: float) -> str:
    """`6 h`, `30 d`: a length of time in its largest whole unit."""
    unit = next((unit for unit in "dhm" if seconds >= UNITS[unit] and not seconds % UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:g} {unit}"
