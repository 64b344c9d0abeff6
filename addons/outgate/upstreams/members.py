"""List the replicas of each backend: fixed endpoints, the addresses of a name, and those in a file that a controller writes.

A list says only where to dial. Names, TLS and credential stay the backend's, and each address is judged when it is dialled. A list
that cannot be read leaves the last one in force.
"""

import asyncio
import logging
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from outgate.errors import UpstreamError
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.dns import Resolver

_log = logging.getLogger(__name__)
_LARGEST, _MOST = 1024 * 1024, 1024
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")

type _Lists = tuple[str, str, str]
"""The backend's name, and where its replicas are listed: what else its settings say may change, and the list stays."""


class Members:
    """The replicas that may be picked. A backend whose lists were never read has its fixed endpoints alone."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._named: dict[_Lists, tuple[Endpoint, ...]] = {}
        self._filed: dict[_Lists, tuple[Endpoint, ...]] = {}

    def of(self, backend: Backend) -> tuple[Endpoint, ...]:
        """The replicas, each address and each name once, those that drain left out."""
        if not (backend.replicas.dns or backend.replicas.file):
            return backend.endpoints
        fixed = backend.endpoints if backend.replicas.fixed else ()
        listed = (*fixed, *self._named.get(_lists(backend), ()), *self._filed.get(_lists(backend), ()))
        once = {each.address: each for each in reversed(listed)}
        return tuple({each.name: each for each in once.values()}.values())[::-1]

    def keep(self, backends: Iterable[Backend]) -> None:
        """Forget the lists of all other backends."""
        kept = {_lists(backend) for backend in backends}
        for known in (self._named, self._filed):
            for lists in known.keys() - kept:
                del known[lists]

    async def refresh(self, backend: Backend) -> None:
        """Read the lists of the backend again. Never raises."""
        if backend.replicas.dns:
            await self._look_up(backend)
        if backend.replicas.file:
            await self._read(backend)

    async def _look_up(self, backend: Backend) -> None:
        host, _, port = backend.replicas.dns.rpartition(":")
        try:
            addresses = await self._resolver.resolve(host)
        except UpstreamError as error:
            _log.warning("replicas of %s: %s", backend.name, error)
            return
        self._named[_lists(backend)] = tuple(
            Endpoint(name=f"[{each}]:{port}" if each.version == 6 else f"{each}:{port}", host=str(each), port=int(port))
            for each in sorted(addresses, key=str)
        )

    async def _read(self, backend: Backend) -> None:
        try:
            self._filed[_lists(backend)] = await asyncio.to_thread(read_list, Path(backend.replicas.file))
        except (OSError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) else error
            _log.warning("replicas of %s: the file cannot be used, the last list stays: %s", backend.name, told)


def _lists(backend: Backend) -> _Lists:
    return backend.name, backend.replicas.dns, backend.replicas.file


def read_list(file: Path) -> tuple[Endpoint, ...]:
    """The replicas of a file `{"endpoints": [{"address": "host:port", "name": "", "draining": false}]}` that do not drain.

    Raises OSError, and ValueError for a file of another form.
    """
    with file.open("rb") as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError("it is larger than 1 MiB")
    told = orjson.loads(content)
    entries = told.get("endpoints") if isinstance(told, dict) else None
    if not isinstance(entries, list) or len(entries) > _MOST:
        raise ValueError(f"it is not an object with a list `endpoints` of at most {_MOST}")
    listed = tuple(_endpoint(each) for each in entries)
    if len({endpoint.name for endpoint, _ in listed}) != len(listed):
        raise ValueError("two endpoints have the same name")
    return tuple(endpoint for endpoint, draining in listed if not draining)


def _endpoint(entry: Any) -> tuple[Endpoint, bool]:
    """An entry, and whether it drains. Raises ValueError."""
    if not isinstance(entry, Mapping) or not entry.keys() <= {"address", "name", "draining"}:
        raise ValueError("an endpoint has an address, and may have name and draining, nothing else")
    address, name, draining = entry.get("address"), entry.get("name", ""), entry.get("draining", False)
    if not isinstance(address, str) or not isinstance(name, str) or len(name) > 100 or not isinstance(draining, bool):
        raise ValueError("an address or name is not a text, or draining is not true or false")
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 65536:
        raise ValueError("an address is not host:port")
    return Endpoint(name=name or address, host=found[1].strip("[]"), port=int(found[2])), draining
