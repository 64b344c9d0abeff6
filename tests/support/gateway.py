"""The gateway as a user runs it: `outgate run` in a process of its own, on ports the kernel chose.

with RunningGateway(policy_file, state=tmp_path) as gateway:
    ... gateway.proxy_url("demo", token), gateway.ca, gateway.metrics() ...
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Self

_READY = 40.0


class RunningGateway:
    """`state` holds journals, sockets and the CA; `env` is added to the environment (credentials of providers)."""

    def __init__(
        self, policy: Path, state: Path, *, workers: int = 1, env: dict[str, str] | None = None, extra: tuple[str, ...] = ()
    ) -> None:
        self.policy = policy
        self.state = state
        self.certs = state / "certs"
        self.log: list[str] = []
        self._env = {**os.environ, **(env or {})}
        self._arguments = ["--workers", str(workers), *extra]
        self.ready = threading.Event()
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.state.mkdir(parents=True, exist_ok=True)
        self._outgate("ca", "init", "--certs", str(self.certs))
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        command = [*_outgate(), "run", "--policy", str(self.policy), "--state", str(self.state), "--certs", str(self.certs)]
        command += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", *self._arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._env)
        threading.Thread(target=self._read, daemon=True).start()
        if not self.ready.wait(_READY):
            self.stop()
            raise AssertionError("the gateway did not start:\n" + "\n".join(self.log))

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()

    @property
    def port(self) -> int:
        return self._announced(r"listens on http://[^:]+:(\d+)")

    @property
    def admin(self) -> int:
        return self._announced(r"metrics on http://[^:]+:(\d+)")

    @property
    def ca(self) -> Path:
        return self.certs / "mitmproxy-ca-cert.pem"

    def proxy_url(self, workload: str, token: str) -> str:
        return f"http://{workload}:{token}@127.0.0.1:{self.port}"

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
            ["pgrep", "-P", str(self.process.pid), "-f", "outgate.proxy.worker"], capture_output=True, text=True, check=False
        )
        return [int(pid) for pid in out.stdout.split()]

    def wait(self, condition, seconds: float = 10.0) -> bool:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _announced(self, pattern: str) -> int:
        for line in self.log:
            found = re.search(pattern, line)
            if found:
                return int(found.group(1))
        raise AssertionError(f"{pattern} was not announced:\n" + "\n".join(self.log))

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
            if "outgate is ready" in line:
                self.ready.set()
        self.ready.set()

    def _outgate(self, *arguments: str) -> None:
        subprocess.run([*_outgate(), *arguments], check=True, env=self._env, capture_output=True, text=True)


def _outgate() -> list[str]:
    return [str(Path(sys.executable).with_name("outgate"))]
