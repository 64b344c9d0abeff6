"""Replicas of a backend for tests that pick among them."""

from random import Random

from outgate.inference.attempt import AttemptRecord
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.dns import CachingResolver
from outgate.upstreams.health import Health
from outgate.upstreams.members import Members
from outgate.upstreams.replicas import Replicas


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def backend(*names: str, name: str = "b", **fields) -> Backend:
    endpoints = tuple(Endpoint(name=each, host=f"{each}.test", port=443) for each in names)
    return Backend(name=name, provider="p", dialect="openai", host="p.test", endpoints=endpoints, **fields)


def replicas(clock=None, lookup=None, *, seed=0) -> Replicas:
    clock = clock or Clock()
    return Replicas(Members(CachingResolver(clock, lookup=lookup)), Health(clock), Random(seed), clock)


def attempt(of: Backend, endpoint: str, failure=None, **fields) -> AttemptRecord:
    status = None if failure else 200
    told = {"number": 1, "sent": True, "seconds": 0.1, "status": status, **fields}
    return AttemptRecord(backend=of.name, endpoint=endpoint, address=f"{endpoint}.test:443", failure=failure, **told)
