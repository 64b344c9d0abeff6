"""Run a gateway in a process of its own: wait until it is ready, collect its output, end it by SIGTERM, then by SIGKILL."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from support.waiting import PATIENCE, until

_READY = 90.0
_POLITE = 20.0
_SAID = "outgate is ready"


class GatewayProcess:
    """`log` is what it says, line by line; `env` is added to the environment. `port` is where it listens, given by who knows."""

    port: int

    def __init__(self, certs: Path, env: dict[str, str] | None = None) -> None:
        self.certs = certs
        self.log: list[str] = []
        self.env = {**os.environ, **(env or {})}
        self.process: subprocess.Popen[str] | None = None
        self._heard = threading.Event()

    def launch(self, command: list[str]) -> None:
        """Start, and wait until it is ready. Raises AssertionError, with the log, where it ends or takes too long."""
        self._heard.clear()
        said = len(self.log)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.env)
        self._listener = threading.Thread(target=self._listen, args=(self.process,), daemon=True)
        self._listener.start()
        self._heard.wait(_READY)
        if not any(_SAID in line for line in self.log[said:]):
            self.stop()
            raise AssertionError("the gateway did not start:\n" + "\n".join(self.log))

    def stop(self) -> int:
        """End it, and give its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_POLITE)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.process.wait()
        self._listener.join(_POLITE)  # its last word would be taken for one of the process that is started next
        return status

    @property
    def ca(self) -> Path:
        return self.certs / "mitmproxy-ca-cert.pem"

    def proxy_url(self, workload: str, token: str) -> str:
        return f"http://{workload}:{token}@127.0.0.1:{self.port}"

    def says(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def found(self, pattern: str) -> str:
        """The first group of the pattern, in the last line that matches it: it may have been started again."""
        for line in reversed(self.log):
            match = re.search(pattern, line)
            if match:
                return match.group(1)
        raise AssertionError(f"{pattern} was not said:\n" + "\n".join(self.log))

    def wait(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> bool:
        return until(condition, seconds)

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.log.append(line.rstrip("\n"))
            if _SAID in line:
                self._heard.set()
        self._heard.set()
