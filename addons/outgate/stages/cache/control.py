"""Read what the caller wants of the cache: `Cache-Control` of its request (RFC 9111 section 5.2.1).

A stage of its own, since header fields hold secrets: nothing that reads them writes what is kept.
"""

from typing import NamedTuple

from outgate.net.cache_control import CacheControl, cache_control
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract
from outgate.pipeline.stage import Stage


class Reads(NamedTuple):
    """The request head."""

    headers: Headers


class CacheControlStage(Stage):
    """Writes `cache.control`."""

    name = "cache_control"
    contract = Contract.of(Reads, writes=("cache.control",), cost=0.002)

    def run(self, facts: Reads) -> tuple[CacheControl]:
        return (cache_control(facts.headers.all("cache-control")),)
