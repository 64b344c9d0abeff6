"""Transparent mode: connections that the kernel redirects, from unmodified clients that know of no proxy.

Needs Linux, root (for a network namespace with a redirect in it), iproute2, iptables and util-linux, which `scripts/test` installs
where it can. Elsewhere the test is skipped and says why; in CI it fails, lest its silence pass for success.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.world import ANTHROPIC_KEY, OPENAI_KEY

TESTS = Path(__file__).resolve().parents[2]


def test_unmodified_clients_whose_connections_are_redirected(tmp_path):
    missing = [program for program in ("unshare", "ip", "iptables", "mount") if shutil.which(program) is None]
    lacking = [f"{name} is not installed" for name in missing] + (["root makes namespaces"] if os.geteuid() else [])
    if lacking and os.environ.get("CI") != "true":
        pytest.skip(f"transparent mode is not tested: {', '.join(lacking)}")
    assert lacking == []
    env = {**os.environ, "PYTHONPATH": str(TESTS), "E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY}
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        env.pop(name, None)

    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-m", "e2e.connection.inside_namespace", str(tmp_path)],
        env=env, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])

    answer = "Hello from the provider."
    assert (told["plain"], told["streamed"]) == (answer, answer)
    assert told["seen"] == [["api.openai.com", "api.openai.com", f"Bearer {OPENAI_KEY}"]] * 2
    assert told["wrong_token"] == "AuthenticationError"
    assert told["elsewhere"] == 401
    assert told["fronted"] == 421
    assert told["dialled"] == 2
