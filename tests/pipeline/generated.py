"""Random pipelines that compile: mutators of two given facts, and derived facts that build on each other."""

from random import Random
from typing import Any

from outgate.pipeline.compiler import Placement
from pipeline.standard import stage

DERIVED = ("model", "provider", "backend", "endpoint", "wire.body", "hold", "placeholders", "wire.path", "wire.headers")
OUTSIDE = ("endpoint.state", "credential.epoch", "provider.state")
MUTATED = ("prompt", "params")
GIVEN = {"prompt": 1, "params": 2, "tools": 3, "method": 4, **dict.fromkeys(OUTSIDE, 0)}


def pipeline(rng: Random, size: int = 9) -> tuple[Placement, ...]:
    """`size` stages, about a third of which rewrite what the client sent, listed in random order."""
    placements: list[Placement] = []
    made: list[str] = []
    last: dict[str, str] = {}
    for number in range(size):
        name = f"s{number}"
        outside = " ".join(rng.sample(OUTSIDE, rng.choice((0, 0, 1, 2))))
        if rng.random() < 0.3 or len(made) == len(DERIVED):
            placements.append(_mutator(rng, name, outside, last))
        else:
            placements.append(_derived(rng, name, outside, made))
    rng.shuffle(placements)
    return tuple(placements)


def _mutator(rng: Random, name: str, outside: str, last: dict[str, str]) -> Placement:
    fact = rng.choice(MUTATED)
    reads = " ".join((fact, *rng.sample(("tools", "method"), rng.randint(0, 2))))
    preserves = " ".join(rng.sample(DERIVED, rng.randint(0, 3)))
    after, last[fact] = last.get(fact, ""), name
    return stage(name, reads, fact, outside=outside, preserves=preserves, after=after, run=function(rng, 1), cost=rng.random())


def _derived(rng: Random, name: str, outside: str, made: list[str]) -> Placement:
    fact = rng.choice([fact for fact in DERIVED if fact not in made])
    known = rng.sample((*MUTATED, "tools", "method", *made), rng.randint(1, min(4, 4 + len(made))))
    reads = " ".join(known)
    made.append(fact)
    passes = rng.choice((1.0, 0.9, 0.5))
    return stage(name, reads, fact, outside=outside, run=function(rng, 1), cost=rng.random(), passes=passes)


def function(rng: Random, outputs: int) -> Any:
    """A pure function of its view; a coarse one often gives the same result for other inputs."""
    salt, coarse = rng.random(), rng.choice((0, 0, 3))

    def run(facts: Any) -> tuple[int, ...]:
        value = hash((salt, *facts))
        return tuple(value % coarse if coarse else hash((value, i)) for i in range(outputs))

    return run
