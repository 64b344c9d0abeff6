"""Sinks of a gateway: its log and crash output, its metrics, its journals, its audit archive and the rest of its state."""

from collections.abc import Iterable
from pathlib import Path

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY, OTHER_TOKEN, TOKEN, World
from support.gateway import RunningGateway

SECRETS = (TOKEN, OTHER_TOKEN, OPENAI_KEY, ANTHROPIC_KEY, "sk-workload-own", "sk-ant-workload-own")


def sightings(world: World, canaries: Iterable[str] = SECRETS) -> list[tuple[str, str]]:
    """Which canary was seen in which file or log of this world."""
    canaries = tuple(canaries)
    texts = {f"log of {gateway.policy.name}": "\n".join(gateway.log) for gateway in world.gateways}
    texts |= {str(path.relative_to(world.folder)): _text(path) for path in (world.folder / "state").rglob("*") if path.is_file()}
    return [(name, canary) for name, text in texts.items() for canary in canaries if canary in text]


def metrics_of(gateway: RunningGateway) -> str:
    return gateway.get("/metrics")[1]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""  # segments move while a gateway runs
