"""The gateway as a user runs it: `outgate run` in a process of its own, on ports the kernel chose.

with RunningGateway(policy_file, state=tmp_path) as gateway:
    ... gateway.proxy_url("demo", token), gateway.ca, gateway.get("/metrics") ...
"""

import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Self

from support.certificates import make_ca
from support.child import GatewayProcess

_OUTGATE = str(Path(sys.executable).with_name("outgate"))


class RunningGateway(GatewayProcess):
    """`state` holds journals, sockets and the CA; `env` is added to the environment (credentials of providers)."""

    def __init__(
        self, policy: Path, state: Path, *, workers: int = 1, env: dict[str, str] | None = None, extra: tuple[str, ...] = ()
    ) -> None:
        super().__init__(state / "certs", env)
        self.policy = policy
        self.state = state
        self._arguments = ["--workers", str(workers), *extra]

    def __enter__(self) -> Self:
        self.state.mkdir(parents=True, exist_ok=True)
        make_ca(self.certs)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        folders = ["--policy", str(self.policy), "--state", str(self.state), "--certs", str(self.certs)]
        self.launch([_OUTGATE, "run", *folders, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *self._arguments])

    @property
    def port(self) -> int:
        return int(self.found(r"listens on http://[^:]+:(\d+)"))

    @property
    def admin(self) -> int:
        return int(self.found(r"metrics on http://[^:]+:(\d+)"))

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of the admin listener."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def worker_pids(self) -> list[int]:
        assert self.process is not None
        out = subprocess.run(
            ["pgrep", "-P", str(self.process.pid), "-f", "outgate.server.worker"], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in out.stdout.split()]
