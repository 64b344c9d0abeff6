"""The configuration that the supervisor gives a worker. Both read it, so nothing of mitmproxy is imported here."""

from dataclasses import asdict, dataclass

import orjson

from outgate.stores.segments import FULL


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Paths, the worker's place among its siblings, and the descriptors it inherits. Seconds for `drain`.

    `log` is its style. An audit file is full at `audit_bytes`, or after `audit_seconds`.
    """

    policy: str
    state: str
    certs: str
    index: int = 0
    workers: int = 1
    listen_fd: int = -1
    transparent_fd: int = -1
    status_fd: int = -1
    pin: str = ""
    drain: float = 30.0
    log: str = "text"
    log_level: str = "warning"
    audit_bytes: int = FULL.size
    audit_seconds: float = FULL.seconds

    def encode(self) -> str:
        return orjson.dumps(asdict(self)).decode()

    @classmethod
    def decode(cls, text: str) -> "WorkerConfig":
        return cls(**orjson.loads(text))
