"""The gateway under stock mitmproxy, as a user runs it: `mitmdump -s gateway.py` or `mitmweb -s …`, in a process of its own.

    with StockGateway(policy_file, state) as gateway:
        ... gateway.proxy_url("demo", token), gateway.ca, gateway.script ...

`script` is a copy of addons/gateway.py that imports the package from the source tree, so that tests may break it.
"""

import socket
import sys
from pathlib import Path
from typing import Self

from support.certificates import make_ca
from support.child import GatewayProcess

ADDONS = Path(__file__).resolve().parents[2] / "addons"


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


class StockGateway(GatewayProcess):
    """mitmdump; or, with `web`, what `outgate web` makes of itself. `more` goes to its command line."""

    def __init__(
        self, policy: Path, state: Path, *, web: bool = False, env: dict[str, str] | None = None, more: tuple[str, ...] = (),
        listen_host: str = "127.0.0.1",
    ) -> None:  # fmt: skip
        state.mkdir(parents=True, exist_ok=True)
        super().__init__(make_ca(state / "certs"), env)
        self.script = copied_script(state)
        self.ui = free_port() if web else 0
        self._command = command("mitmdump", self.script, policy, state, self.certs, *more, host=listen_host)
        if web:
            ports = ("--listen", f"127.0.0.1:{free_port()}", "--ui", f"127.0.0.1:{self.ui}")
            folders = ("--policy", str(policy), "--state", str(state), "--certs", str(self.certs))
            self._command = [str(Path(sys.executable).with_name("outgate")), "web", *folders, *ports, *more]

    def __enter__(self) -> Self:
        self.launch(self._command)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        return int(self.found(r"proxy listening at [^ ]*:(\d+)"))
