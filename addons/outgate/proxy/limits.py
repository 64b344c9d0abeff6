"""What a client may cost before any policy has seen it."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds on clients: bytes of a head, of a body, of memory for all requests a worker holds at once; seconds for a head to
    arrive and for an idle connection; connections.
    """

    head_bytes: int = 64 * 1024
    body_bytes: int = 2 * 1024 * 1024
    buffered_bytes: int = 192 * 1024 * 1024
    head_seconds: float = 10.0
    idle_seconds: float = 600.0
    connections: int = 4096
