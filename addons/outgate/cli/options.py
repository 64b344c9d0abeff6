"""Options that several commands have, and the types of their values: each is written once, so that it means the same everywhere."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

CERTIFICATE = "mitmproxy-ca-cert.pem"
"""What workloads trust, in the folder of the authority."""
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
POLICIES = (Path("policies/default.yaml"), Path("policy.yaml"))
"""Policies that are found without being named; `outgate init` writes the second."""
_PATH = click.Path(path_type=Path)


class Age(click.ParamType[float]):
    """A number of seconds, minutes, hours or days: `90s`, `15m`, `6h`, `7d`."""

    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        age = seconds_of(value)
        if age is None:
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


class Moment(click.ParamType[datetime]):
    """A time to come: so long from now (`90d`), or a date or time in UTC (`2027-01-31`, `2027-01-31T12:00:00Z`)."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        now, age = datetime.now(UTC), seconds_of(value)
        try:
            said = now + timedelta(seconds=age) if age is not None else datetime.fromisoformat(value)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time; write 90d, 2027-01-31 or 2027-01-31T12:00:00Z", param, ctx)
        said = said if said.tzinfo is not None else said.replace(tzinfo=UTC)
        if not now < said < datetime(2100, 1, 1, tzinfo=UTC):
            self.fail(f"{value!r} is not to come, or after 2099", param, ctx)
        return said


def seconds_of(text: str) -> float | None:
    """The seconds of an age, None where it is none."""
    try:
        age = float(text[:-1]) * UNITS[text[-1:]]
    except (KeyError, ValueError):
        return None
    return age if 0 <= age < 1e11 else None


def default_policy() -> Path:
    """The file where none is named: the first of `POLICIES` that is there, in the folder where the command runs."""
    return next((file for file in POLICIES if file.exists()), POLICIES[0])


POLICY = click.option(
    "--policy", "file", type=_PATH, default=default_policy, show_default=" else ".join(map(str, POLICIES)), help="The policy file."
)
STATE = click.option(
    "--state", type=_PATH, default=Path("state"), show_default=True, help="The folder of journals, ledger and sockets."
)
CERTS = click.option(
    "--certs", type=_PATH, default=Path("certs"), show_default=True, help="The folder of the certificate authority."
)
ADMIN = click.option("--admin", default="127.0.0.1:9464", show_default=True, help="host:port of /metrics, /healthz and /readyz.")
JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")
