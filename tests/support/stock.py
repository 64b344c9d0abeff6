"""The gateway under stock mitmproxy, as a user runs it: `mitmdump -s gateway.py` or `mitmweb -s …`, in a process of its own.

    with StockGateway(policy_file, state) as gateway:
        ... gateway.proxy_url("demo", token), gateway.ca, gateway.script ...

`script` is a copy of addons/gateway.py that imports the package from the source tree, so that tests may break it.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from e2e.certificates import make_ca

ADDONS = Path(__file__).resolve().parents[2] / "addons"
_READY = 40.0


def copied_script(folder: Path) -> Path:
    """gateway.py somewhere else, importing outgate from the source tree."""
    text = (ADDONS / "gateway.py").read_text()
    path = folder / "gateway.py"
    path.write_text(text.replace("str(Path(__file__).resolve().parent)", repr(str(ADDONS))))
    return path


def command(program: str, script: Path, policy: Path, state: Path, certs: Path, *more: str, host: str = "127.0.0.1") -> list[str]:
    """`host`: where it listens; empty, nobody says."""
    settings = [f"outgate_policy={policy}", f"outgate_state={state}", f"confdir={certs}", "listen_port=0"]
    settings += [f"listen_host={host}"] if host else []
    sets = [word for setting in settings for word in ("--set", setting)]
    return [str(Path(sys.executable).with_name(program)), "-s", str(script), *sets, *more]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


class StockGateway:
    """mitmdump; or, with `web`, what `outgate web` makes of itself. `more` goes to its command line."""

    def __init__(
        self, policy: Path, state: Path, *, web: bool = False, env: dict[str, str] | None = None, more: tuple[str, ...] = (),
        listen_host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        state.mkdir(parents=True, exist_ok=True)
        self.certs = make_ca(state / "certs")
        self.script = copied_script(state)
        self.log: list[str] = []
        self.ui = free_port() if web else 0
        self._command = command("mitmdump", self.script, policy, state, self.certs, *more, host=listen_host)
        if web:
            ports = ("--listen", f"127.0.0.1:{free_port()}", "--ui", f"127.0.0.1:{self.ui}")
            folders = ("--policy", str(policy), "--state", str(state), "--certs", str(self.certs))
            self._command = [str(Path(sys.executable).with_name("outgate")), "web", *folders, *ports, *more]
        self._env = {**os.environ, **(env or {})}
        self._ended = threading.Event()
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self._env)
        threading.Thread(target=self._read, daemon=True).start()
        if not self.wait(lambda: self._ended.is_set() or self.says("outgate is ready"), _READY) or self._ended.is_set():
            self.stop()
            raise AssertionError("stock mitmproxy did not start:\n" + "\n".join(self.log))
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

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
        return int(self.found(r"proxy listening at [^ ]*:(\d+)", last=True))

    @property
    def ca(self) -> Path:
        return self.certs / "mitmproxy-ca-cert.pem"

    def proxy_url(self, workload: str, token: str) -> str:
        return f"http://{workload}:{token}@127.0.0.1:{self.port}"

    def says(self, text: str) -> bool:
        return any(text in line for line in self.log)

    def found(self, pattern: str, *, last: bool = False) -> str:
        for line in reversed(self.log) if last else self.log:
            match = re.search(pattern, line)
            if match:
                return match.group(1)
        raise AssertionError(f"{pattern} was not said:\n" + "\n".join(self.log))

    def wait(self, condition: Callable[[], bool], seconds: float = 10.0) -> bool:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _read(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.log.append(line.rstrip("\n"))
        self._ended.set()
