"""The gateway as a subject of the bench: `outgate run` with one of the bench's policies, one worker."""

import base64
import contextlib
import hashlib
import os
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.load import Target
from bench.report import EMPTY, FULL, PLAN, REDACTION
from bench.subjects import BIN, HERE, Subject, Upstream, await_ready, free_port, pinned, stopped

POLICIES = {EMPTY: "empty.yaml", PLAN: "plan.yaml", FULL: "full.yaml", REDACTION: "redaction.yaml"}


@contextlib.contextmanager
def gateway(plan: str, core: int, folder: Path, upstream: Upstream) -> Iterator[Subject]:
    """A running gateway; its state, certificates and policy live under `folder`."""
    home = folder / POLICIES[plan].removesuffix(".yaml")
    home.mkdir()
    policy, port, log = home / "policy.yaml", free_port(), home / "log"
    token = f"og_{secrets.token_urlsafe(32)}"
    values = {
        "PORT": str(upstream.port),
        "CA": str(folder / "ca.pem"),
        "DIGEST": f"sha256:{hashlib.sha256(token.encode()).hexdigest()}",
    }
    text = (HERE / "policies" / POLICIES[plan]).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    policy.write_text(text)
    outgate(home, "ca", "init", "--certs", str(home / "certs"))
    process = pinned(
        core,
        str(BIN / "outgate"),
        "run",
        *("--policy", str(policy), "--workers", "1", "--listen", f"127.0.0.1:{port}", "--admin", "127.0.0.1:0"),
        *("--state", str(home / "state"), "--certs", str(home / "certs")),
        environment={"OPENAI_API_KEY": "sk-of-the-gateway"},
        log=log,
    )
    basic = base64.b64encode(f"bench:{token}".encode()).decode()
    try:
        await_ready(process, log, lambda: "outgate is ready" in log.read_text())
        yield Subject(plan, process, Target("api.openai.com", 443, port, f"Basic {basic}"))
    finally:
        stopped(process)


def outgate(home: Path, *arguments: str) -> str:
    done = subprocess.run([BIN / "outgate", *arguments], capture_output=True, text=True, check=False, cwd=home, env=os.environ)
    if done.returncode:
        raise RuntimeError(f"outgate {' '.join(arguments[:2])}: {done.stderr or done.stdout}")
    return done.stdout
