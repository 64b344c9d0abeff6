"""`outgate doctor`: look at what a gateway needs on this machine before, or while, it runs. No request is sent to anybody.

Each thing is well, or is told with what mends it: policy, authority, state folder, ports, keys, and whether each provider's
endpoints can be reached under the certificate that the policy asks for.
"""

import asyncio
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import click
import orjson

from outgate.cli.check import unreadable
from outgate.cli.options import ADMIN, CERTIFICATE, CERTS, JSON, POLICY, STATE
from outgate.cli.run import address_of
from outgate.cli.screen import say
from outgate.errors import PolicyError, UpstreamError
from outgate.identity.workloads import ENDS_SOON
from outgate.metering.mends import mend
from outgate.metering.words import plural
from outgate.policy.live import LivePolicy
from outgate.policy.load import load_policy
from outgate.server.gauges import authority
from outgate.server.layout import authority_problem
from outgate.upstreams.catalog import Backend, Catalog, Endpoint
from outgate.upstreams.dns import CachingResolver
from outgate.upstreams.pool import Pool

_ROOM = 200_000_000
"""Bytes that the disk of the state folder should have left: audit lines, cached answers and the ledger grow."""
_PATIENCE = 10.0
"""Seconds for which an endpoint is waited for."""


class Finding(NamedTuple):
    """How one thing is; `mend` is empty where it is well."""

    what: str
    told: str
    mend: str = ""


@click.command()
@POLICY
@STATE
@CERTS
@click.option("--listen", help="host:port, instead of the policy's `gateway.listen`.")
@ADMIN
@JSON
def command(*, file: Path, state: Path, certs: Path, listen: str | None, admin: str, as_json: bool) -> None:
    """Say what is well and what to mend: policy, authority, state folder, ports, keys, and the way to each provider.

    Endpoints are connected and their certificates verified; nothing is asked of them. Exit code 1 where something is to mend.
    """
    found = asyncio.run(_found(file, state, certs, listen, admin))
    if as_json:
        click.echo(orjson.dumps([one._asdict() for one in found], option=orjson.OPT_INDENT_2).decode())
    else:
        say(_lines(found), hang=6)
    sys.exit(1 if any(one.mend for one in found) else 0)


def _lines(found: list[Finding]) -> Iterator[str]:
    wide = max(len(one.what) for one in found)
    for one in found:
        yield f"{'MEND' if one.mend else 'ok'.ljust(4)}  {one.what.ljust(wide)}  {one.told}" + (f": {one.mend}" if one.mend else "")


async def _found(file: Path, state: Path, certs: Path, listen: str | None, admin: str) -> list[Finding]:
    try:
        policy = load_policy(file)
    except PolicyError as error:
        told = f"{file} is refused, {error.problems[0].code}" + (f" and {len(error.problems) - 1} more" * (len(error.problems) > 1))
        return [Finding("policy", told, f"`outgate check {file}` says where"), _authority(certs), _state(state)]
    ports = (("listen", listen or policy.gateway.listen), ("admin", admin))
    return [
        _policy(file, policy),
        _authority(certs),
        _state(state),
        *(_port(name, *address_of(at)) for name, at in ports),
        *(
            Finding("key", each.message, each.repair or "see `outgate check --credentials`")
            for each in await unreadable(policy.catalog)
        ),
        *await _endpoints(policy.catalog),
    ]


def _policy(file: Path, policy: LivePolicy) -> Finding:
    number = len(policy.warnings)
    warned = f", {number} {plural('warning', number)}: see `outgate check`" if number else ""
    return Finding("policy", f"{file}, revision {policy.revision}{warned}")


def _authority(certs: Path) -> Finding:
    problem = authority_problem(certs)
    if problem:
        return Finding("authority", str(certs), problem.removeprefix("certs: "))
    ends = datetime.fromtimestamp(next((sample.value for sample in authority(certs)), 0.0), UTC)
    told = f"{certs / CERTIFICATE}, valid until {ends:%Y-%m-%d}"
    mend = "it ends soon: make another with `outgate ca init --force`, and let workloads trust both"
    soon = mend if (ends - datetime.now(UTC)).total_seconds() < ENDS_SOON else ""
    return Finding("authority", told, soon)


def _state(state: Path) -> Finding:
    folder = next(each for each in (state.absolute(), *state.absolute().parents) if each.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return Finding(
            "state", f"{state} cannot be written", f"let the gateway's user write {folder}, or name another with --state"
        )
    free = shutil.disk_usage(folder).free
    full = "make room, or nothing is served: accounts cannot be written then" if free < _ROOM else ""
    return Finding("state", f"{state}, {free / 1e9:,.1f} GB free", full)


def _port(name: str, host: str, port: int) -> Finding:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            taken = f"whoever listens there (a gateway that runs? `outgate status`) must stop, or give --{name} another"
            return Finding(name, f"{host}:{port} cannot be listened on, {error.strerror}", taken)
    return Finding(name, f"{host}:{port} is free")


async def _endpoints(catalog: Catalog) -> list[Finding]:
    resolver = CachingResolver(time.monotonic)
    pairs = [(backend, endpoint) for backend in catalog.backends for endpoint in backend.endpoints]
    return await asyncio.gather(*(_reached(backend, endpoint, resolver) for backend, endpoint in pairs))


async def _reached(backend: Backend, endpoint: Endpoint, resolver: CachingResolver) -> Finding:
    what, at = f"provider {backend.name}", f"{endpoint.host}:{endpoint.port}"
    try:
        wire = await Pool(backend, backend.origination, resolver).dial(endpoint, asyncio.get_running_loop().time() + _PATIENCE)
    except UpstreamError as error:
        return Finding(what, f"{at}, {error}", mend(backend.name, error.kind, error.reason or "") or "see docs/egress.md")
    wire.abort()
    secured = f"certificate of {backend.origination.sni} verified" if backend.origination.tls.enabled else "without TLS"
    return Finding(what, f"{at} can be reached, {secured}")
