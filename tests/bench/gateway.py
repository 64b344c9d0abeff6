"""The gateway as a subject of the bench: `outgate run` with one of the bench's policies, one worker unless said otherwise."""

import base64
import contextlib
import hashlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.load import Target
from bench.report import EMPTY, FULL, FULL_SIMILAR, PLAN, REDACTION, ROUTING, SIMILAR, UNCACHED
from bench.subjects import BIN, HERE, Subject, Upstream, await_ready, free_port, pinned, stopped

POLICIES = {
    EMPTY: "empty.yaml",
    PLAN: "plan.yaml",
    FULL: "full.yaml",
    REDACTION: "redaction.yaml",
    UNCACHED: "uncached.yaml",
    SIMILAR: "similar.yaml",
    FULL_SIMILAR: "full_similar.yaml",
    ROUTING: "routing.yaml",
}


class Home(NamedTuple):
    """A gateway that can be started, and started again: its plan, its folder, and the token of its caller."""

    plan: str
    folder: Path
    token: str

    @property
    def state(self) -> Path:
        return self.folder / "state"


@contextlib.contextmanager
def gateway(plan: str, core: int, folder: Path, upstream: Upstream, name: str = "") -> Iterator[Subject]:
    """A running gateway; its state, certificates and policy live under `folder`."""
    with running(home(plan, folder, upstream, name), str(core)) as subject:
        yield subject


def home(plan: str, folder: Path, upstream: Upstream, name: str = "") -> Home:
    """Policy and certificates of a gateway, in a folder of that name, by default the plan's."""
    made = Home(plan, folder / (name or POLICIES[plan].removesuffix(".yaml")), f"og_{secrets.token_urlsafe(32)}")
    made.folder.mkdir()
    values = {
        "PORT": str(upstream.port),
        "CA": str(folder / "ca.pem"),
        "DIGEST": f"sha256:{hashlib.sha256(made.token.encode()).hexdigest()}",
    }
    text = (HERE / "policies" / POLICIES[plan]).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    (made.folder / "policy.yaml").write_text(text)
    outgate(made.folder, "ca", "init", "--certs", str(made.folder / "certs"))
    return made


@contextlib.contextmanager
def running(at: Home, cores: str, workers: int = 1) -> Iterator[Subject]:
    """A gateway from its start until it is stopped."""
    port, admin, log = free_port(), free_port(), at.folder / "log"
    process = pinned(
        cores,
        str(BIN / "outgate"),
        "run",
        *("--policy", str(at.folder / "policy.yaml"), "--workers", str(workers)),
        *("--listen", f"127.0.0.1:{port}", "--admin", f"127.0.0.1:{admin}"),
        *("--state", str(at.state), "--certs", str(at.folder / "certs")),
        environment={"OPENAI_API_KEY": "sk-of-the-gateway"},
        log=log,
    )
    basic = base64.b64encode(f"bench:{at.token}".encode()).decode()
    try:
        await_ready(process, log, lambda: "outgate is ready" in log.read_text())
        yield Subject(at.plan, process, Target("api.openai.com", 443, port, f"Basic {basic}"), admin)
    finally:
        stopped(process)


def outgate(home: Path, *arguments: str) -> str:
    done = subprocess.run([BIN / "outgate", *arguments], capture_output=True, text=True, check=False, cwd=home, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"outgate {' '.join(arguments[:2])}: {done.stderr or done.stdout}")
    return done.stdout
