"""What a client may cost before any policy has seen it."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds on one client connection: bytes of a request head and body, seconds for the head to arrive, connections in all."""

    head_bytes: int = 64 * 1024
    body_bytes: int = 2 * 1024 * 1024
    head_seconds: float = 10.0
    connections: int = 4096
