"""Set-up of the demo: the local model behind TLS, a gateway under policies/demo.yaml, and applications behind it."""

import contextlib
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import trustme

from support.behaviours import forward
from support.behaviours import provider as answers
from support.calls import Seen
from support.gateway import RunningGateway
from support.llm import LocalModel
from support.scripted_upstream import ScriptedUpstream

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
NAMES = ("openai.local-llm.test", "anthropic.local-llm.test", "status.local-llm.test")
POOL = "pool.local-llm.test"
KEYS = {"DEMO_OPENAI_KEY": "sk-gateway-openai", "DEMO_ANTHROPIC_KEY": "sk-ant-gateway", "DEMO_AGENT_KEY": "sk-of-the-agent"}
CREDENTIALS = ("authorization", "x-api-key", "proxy-authorization")
WORKLOAD_KEY = "sk-workload-own"
PLACEHOLDER = "sk-outgate-placeholder-1f0c0ffee5e11ab2"
"""All that the workload `agent` holds; policies/demo.yaml says what it stands for."""


class Stand(NamedTuple):
    """Everything that runs; `tokens` by workload."""

    gateway: RunningGateway
    provider: ScriptedUpstream
    policy: Path
    tokens: dict[str, str]
    replicas: tuple[ScriptedUpstream, ScriptedUpstream]

    def environment(self, workload: str) -> dict[str, str]:
        """All an application is given: a proxy, a CA, and a key of its own that is worth nothing."""
        return {
            "HTTPS_PROXY": self.gateway.proxy_url(workload, self.tokens[workload]),
            "SSL_CERT_FILE": str(self.gateway.ca),
            "REQUESTS_CA_BUNDLE": str(self.gateway.ca),
            "OPENAI_API_KEY": PLACEHOLDER if workload == "agent" else WORKLOAD_KEY,
            "ANTHROPIC_API_KEY": WORKLOAD_KEY,
        }

    def get(self, url: str, workload: str = "demo") -> tuple[int, str]:
        """A plain request with what the workload holds, by the standard library in a process of its own; 0 and the error, where it
        was refused.
        """
        program = "import sys, urllib.request as u; r = u.urlopen(u.Request(sys.argv[1], headers={'Authorization': sys.argv[2]}))"
        program += "; print(r.status, r.read().decode())"
        held = self.environment(workload)["OPENAI_API_KEY"]
        done = self._run([sys.executable, "-c", program, url, f"Bearer {held}"], workload)
        status, _, text = done.stdout.partition(" ")
        return (int(status), text) if status.isdecimal() else (0, done.stderr.strip().splitlines()[-1])

    def _run(self, command: list[str], workload: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ.get("PATH", ""), **self.environment(workload)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)

    def call(
        self, sdk: str, prompt: str, *, streamed: bool = False, workload: str = "demo", model: str = "gpt-4o-mini", tokens: int = 24
    ) -> dict[str, Any]:
        """Run an application in a process of its own; what it printed."""
        command = [sys.executable, str(HERE / f"{sdk}_client.py"), prompt, "streamed" if streamed else "whole"]
        command += [model, str(tokens)]
        done = self._run(command, workload)
        if done.returncode:
            raise RuntimeError(f"the {sdk} application failed: {done.stderr.strip().splitlines()[-1:]}")
        return dict(json.loads(done.stdout))

    def calls_a_tool(self, sdk: str, model: str) -> dict[str, Any]:
        """Run an application that offers a tool, streamed; what it printed."""
        done = self._run([sys.executable, str(HERE / "tool_client.py"), sdk, model], "demo")
        if done.returncode:
            raise RuntimeError(f"the {sdk} application failed: {done.stderr.strip().splitlines()[-1:]}")
        return dict(json.loads(done.stdout))

    def agent(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Send one request of Chat as the workload `agent`; what the application printed."""
        done = self._run([sys.executable, str(HERE / "agent_client.py"), json.dumps(asked)], "agent")
        if done.returncode:
            raise RuntimeError(f"the agent failed: {done.stderr.strip().splitlines()[-1:]}")
        return dict(json.loads(done.stdout))

    def told(self, sdk: str, prompt: str, model: str = "gpt-4o-mini") -> tuple[dict[str, Any], dict[str, Any]]:
        """Run an application; what it printed, and the closing line of its request. Raises RuntimeError where it was refused.

        It may answer at length: an answer that is cut short is not cached.
        """
        before = len(self.closing_lines())
        result = self.call(sdk, prompt, model=model, tokens=400)
        if "error" in result:
            raise RuntimeError(f"the {sdk} call was refused: {result['error']}: {result['text']}")
        return result, self.closing_lines()[before]

    def closing_lines(self) -> list[dict[str, Any]]:
        """The closing lines of the journal, in the order they were written."""
        found = []
        for path in sorted(self.gateway.state.rglob("*.jsonl")):
            records = [json.loads(line) for line in path.read_text().splitlines()]
            found += [record for record in records if record.get("event") == "close"]
        return found


def credentials(seen: Seen) -> tuple[str, ...]:
    """The credentials that a request carried, with their values masked."""
    return tuple(f"{name}: {masked(value)}" for name in CREDENTIALS if (value := seen.header(name)) is not None)


def masked(value: str) -> str:
    """Enough of a credential to recognise it: `Bearer demo-pr…9f`."""
    scheme, _, secret = value.rpartition(" ")
    shown = f"{secret[:11]}…{secret[-2:]}" if len(secret) > 16 else "…"
    return f"{scheme} {shown}".strip()


@contextlib.contextmanager
def stand(folder: Path) -> Iterator[Stand]:
    """Start it all in a new folder under `folder`, so that demos do not meet; it is removed at the end."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix="demo-", dir=folder) as own, _started(Path(own)) as started:
        yield started


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[Stand]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "provider-ca.pem"))
    with (
        LocalModel() as model,
        ScriptedUpstream(*NAMES, ca=authority, otherwise=forward(model.port)) as provider,
        ScriptedUpstream(POOL, ca=authority, otherwise=answers("This is the first replica.")) as first,
        ScriptedUpstream(POOL, ca=authority, otherwise=answers("This is the second replica.")) as second,
    ):
        tokens = {name: f"og_{secrets.token_urlsafe(32)}" for name in ("demo", "red-team", "agent")}
        policy = folder / "policy.yaml"
        ports = {18443: provider.port, 18444: first.port, 18445: second.port}
        policy.write_text(filled((ROOT / "policies" / "demo.yaml").read_text(), ports, tokens))
        keys = {name: f"{value}-{secrets.token_hex(8)}" for name, value in KEYS.items()}
        with RunningGateway(policy, folder / "state", env=keys) as gateway:
            yield Stand(gateway, provider, policy, tokens, (first, second))


def filled(text: str, ports: dict[int, int], tokens: dict[str, str]) -> str:
    """The demo's policy with the ports of its servers and the digests of the tokens."""
    for written, port in ports.items():
        text = text.replace(f"127.0.0.1:{written}", f"127.0.0.1:{port}")
    for name, token in tokens.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        text = text.replace(
            f"{name}: {{tenant: team, token_hashes: []}}", f'{name}: {{tenant: team, token_hashes: ["sha256:{digest}"]}}'
        )
    return text
