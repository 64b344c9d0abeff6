"""The options of commands that read audit lines, and the one way in which they read them."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from outgate.stores.reading_back import closing_lines

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class Age(click.ParamType[float]):
    """A number of seconds, minutes, hours or days: `90s`, `15m`, `6h`, `7d`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        try:
            age = float(value[:-1]) * UNITS[value[-1:]]
        except (KeyError, ValueError):
            age = -1.0
        if not 0 <= age < 1e11:
            self.fail(f"{value!r} is no age; write 90s, 15m, 6h or 7d", param, ctx)
        return age


class Size(click.ParamType[int]):
    """A number of bytes: `64MB`, `10GB`, or plain."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,12})(|[KMGT]B)", value.upper())
        if found is None:
            self.fail(f"{value!r} is no size; write 64MB, 10GB or a number of bytes", param, ctx)
        return int(found[1] + "000" * " KMGT".index(found[2][:1] or " "))


STATE = click.option(
    "--state", type=click.Path(path_type=Path), default=Path("state"), show_default=True, help="As given to `outgate run`."
)
POLICY = click.option(
    "--policy",
    "file",
    type=click.Path(path_type=Path),
    default=Path("policies/default.yaml"),
    show_default=True,
    help="Where the names of providers are read from.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


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


def providers_of(file: Path) -> dict[str, str]:
    """Providers of a policy by `host:port`, aliases too; none where it cannot be read: then permits do not name them."""
    from outgate.errors import PolicyError
    from outgate.policy.source import read_source
    from outgate.policy.validate import validate

    try:
        providers = validate(read_source(file))[0].policy.providers
    except PolicyError:
        return {}
    return {
        name if ":" in name else f"{name}:{port}": provider
        for provider, section in providers.items()
        for name, port in ((section.host, section.port), *((alias, 80) for alias in section.aliases))
    }


def spoken(seconds: float) -> str:
    """`6 h`, `30 d`: a length of time in its largest whole unit."""
    unit = next((unit for unit in "dhm" if seconds >= UNITS[unit] and not seconds % UNITS[unit]), "s")
    return f"{seconds / UNITS[unit]:g} {unit}"
