"""An outside measurement of redaction, `pii-leak-benchmark` (Apache-2.0): it sends values through the gateway, and is the provider.

Its negative control, without a gateway, must find a leak: a measurement that always passes says nothing.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from e2e.world import TOKEN, token_hash
from support.gateway import RunningGateway
from support.stock import free_port

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
POLICY = """\
version: 1
gateway: {{limits: {{}}}}
providers:
  capture:
    host: capture.test
    dialect: openai
    endpoints: [{{address: "127.0.0.1:{port}"}}]
    allow_addresses: [127.0.0.0/8]
    tls: {{enabled: false}}
    credential: {{env: CAPTURE_KEY}}
workloads:
  app: {{tenant: t1, token_hashes: ["{hash}"]}}
stages:
  authenticate: {{}}
  authorize:
    allow:
      - {{workloads: [app], paths: [/v1/chat/completions]}}
  model_map: {{passthrough: true}}
  authorize_model:
    allow:
      - {{models: ["*"]}}
  admit_parts: {{}}
  redact: {{}}
routes:
  - name: all
"""


@pytest.fixture(name="tool", scope="module")
def _tool(tmp_path_factory) -> Path:
    """The benchmark, in a folder of its own: by the hash of its file, and without what it needs, which the project has."""
    folder = tmp_path_factory.mktemp("tool")
    uv = shutil.which("uv") or ROOT / ".cache/uv/bin/uv"
    wanted = ["--no-deps", "--require-hashes", "--target", str(folder), "-r", str(HERE / "privacy.txt")]
    subprocess.run([uv, "pip", "install", "-q", "--python", sys.executable, *wanted], check=True)
    return folder


def measured(tool: Path, report: Path, url: str, environment: dict[str, str], *more: str) -> tuple[int, dict]:
    """The status of a self-check, and what it reports."""
    program = "from pii_leak_benchmark.cli import main; raise SystemExit(main())"
    command = [
        sys.executable,
        "-c",
        program,
        "selfcheck",
        "--target-base-url",
        url,
        "--no-credentials",
        "--json-out",
        str(report),
        *more,
    ]
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tool), **environment}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=300, cwd=report.parent)
    print(done.stdout, done.stderr)
    return done.returncode, json.loads(report.read_text()) if report.exists() else {}


def test_without_a_gateway_it_finds_a_leak(tool, tmp_path):
    status, _ = measured(tool, tmp_path / "report.json", "capture://self", {}, "--capture-port", str(free_port()))
    assert status == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_nothing_leaks_and_every_value_comes_back(tool, tmp_path, record_property, workers):
    port = free_port()
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(port=port, hash=token_hash(TOKEN)))
    with RunningGateway(policy, tmp_path / "state", workers=workers, env={"CAPTURE_KEY": "sk-capture"}) as gateway:
        reached = {"HTTPS_PROXY": gateway.proxy_url("app", TOKEN), "SSL_CERT_FILE": str(gateway.ca)}
        more = ("--capture-port", str(port), "--iterations", "20")
        status, report = measured(tool, tmp_path / "report.json", "https://capture.test/v1", reached, *more)
    checks = report["checks"]
    assert (0, 20) == (status, checks["response_fidelity"]["iterations_matching"])
    assert ([], 20) == (
        checks["configured_upstream_boundary"]["leaked_entity_types"],
        checks["configured_upstream_boundary"]["correlated_requests"],
    )
    record_property("restored", "20 of 20")
    record_property("events of an answer", checks["fragmentation_safety"]["events_observed_max"])
