"""A small world for end-to-end tests: three scripted providers behind TLS, a policy, and the gateway between them and real SDKs."""

import hashlib
import json
import ssl
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import ClassVar

import anthropic
import httpx
import httpx2
import openai
from google import genai

from support.certificates import make_ca
from support.gateway import RunningGateway
from support.in_process import InProcessGateway
from support.scripted_upstream import ScriptedUpstream

TOKEN = "ogw_e2e_0123456789abcdef0123456789abcdef"
OTHER_TOKEN = "ogw_e2e_fedcba9876543210fedcba9876543210"
OPENAI_KEY = "sk-canary-openai-77f1c0ffee5e11ab"
ANTHROPIC_KEY = "sk-ant-canary-42f1c0ffee5e11ab"
GEMINI_KEY = "AIza-canary-gemini-42f1c0ffee5e11ab"
_KEYS = {"E2E_OPENAI_KEY": OPENAI_KEY, "E2E_ANTHROPIC_KEY": ANTHROPIC_KEY, "E2E_GEMINI_KEY": GEMINI_KEY}
STAGES = """
authenticate: {}
authorize:
  allow:
    - {workloads: [app], providers: [openai, anthropic, gemini]}
    - {workloads: [other], providers: [openai]}
model_map: {passthrough: true}
authorize_model:
  allow:
    - {models: ["**"]}
"""
PASSING_ALL = STAGES.replace(", providers: [openai, anthropic, gemini]", "")
"""The same, but that the first workload may use every provider, those that a test adds too."""


def token_hash(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


class World:
    """Providers `openai`, `anthropic` and, where it is given, `gemini`; workloads `app` and `other`. `stages` and `routes` are YAML
    of the policy.
    """

    made: ClassVar[list["World"]] = []

    def __init__(
        self,
        folder: Path,
        openai_provider: ScriptedUpstream,
        anthropic_provider: ScriptedUpstream,
        gemini_provider: ScriptedUpstream | None = None,
    ) -> None:
        self.made.append(self)
        self.gateways: list[RunningGateway] = []
        self.folder = folder
        self.openai = openai_provider
        self.anthropic = anthropic_provider
        self.gemini = gemini_provider

    def policy(self, stages: str = STAGES, routes: str = "", gateway: str = "", providers: str = "") -> Path:
        """Write a policy; the route `all` takes everything unless `routes` says otherwise."""
        ca = self.folder / "upstream-ca.pem"
        ca.write_bytes(self.openai.ca_pem)
        text = dedent("""\
            version: 1
            gateway:
            {gateway}
            providers:
              openai:
                host: api.openai.com
                dialect: openai
                aliases: [api-openai.svc.cluster.local]
                endpoints: [{{address: "127.0.0.1:{openai}"}}]
                allow_addresses: [127.0.0.0/8]
                tls: {{ca: {ca}}}
                credential: {{env: E2E_OPENAI_KEY}}
                replicas: {{health: {{failures: 1000, failure_share: 1}}}}
              anthropic:
                host: api.anthropic.com
                dialect: anthropic
                endpoints: [{{address: "127.0.0.1:{anthropic}"}}]
                allow_addresses: [127.0.0.0/8]
                tls: {{ca: {ca}}}
                credential: {{env: E2E_ANTHROPIC_KEY}}
                replicas: {{health: {{failures: 1000, failure_share: 1}}}}
              gemini:
                host: generativelanguage.googleapis.com
                dialect: gemini
                endpoints: [{{address: "127.0.0.1:{gemini}"}}]
                allow_addresses: [127.0.0.0/8]
                tls: {{ca: {ca}}}
                credential: {{env: E2E_GEMINI_KEY}}
                replicas: {{health: {{failures: 1000, failure_share: 1}}}}
            {providers}
            workloads:
              app: {{tenant: t1, token_hashes: ["{app}"]}}
              other: {{tenant: t2, token_hashes: ["{other}"]}}
            stages:
            {stages}
            routes:
            {routes}
            """).format(
            gateway=indent(dedent(gateway).strip() or "limits: {}", "  "),
            providers=indent(dedent(providers).strip(), "  "),
            openai=self.openai.port,
            anthropic=self.anthropic.port,
            gemini=self.gemini.port if self.gemini is not None else 9,
            ca=ca,
            app=token_hash(TOKEN),
            other=token_hash(OTHER_TOKEN),
            stages=indent(dedent(stages).strip(), "  "),
            routes=indent(dedent(routes).strip() or "- name: all", "  "),
        )
        path = self.folder / "policy.yaml"
        path.write_text(text)
        return path

    def gateway(self, policy: Path, *, workers: int = 1, extra: tuple[str, ...] = ()) -> RunningGateway:
        self.gateways.append(RunningGateway(policy, self.folder / "state", workers=workers, env=_KEYS, extra=extra))
        return self.gateways[-1]

    def inside(self, policy: Path) -> InProcessGateway:
        """The same in this process, where its dials can be watched and its steps be broken."""
        gateway = InProcessGateway(policy, self.folder / "state", make_ca(self.folder / "certs"), _KEYS)
        gateway.world = self
        return gateway


class _Http2Only(ssl.SSLContext):
    """Offers h2 alone: httpx lists http/1.1 first, and servers that follow the client's order then never speak HTTP/2."""

    def set_alpn_protocols(self, _):
        super().set_alpn_protocols(["h2"])


def http2(gateway: RunningGateway, token: str = TOKEN, workload: str = "app") -> httpx.Client:
    trusted = _Http2Only(ssl.PROTOCOL_TLS_CLIENT)
    trusted.load_verify_locations(gateway.ca)
    proxy = gateway.proxy_url(workload, token)
    return httpx.Client(proxy=proxy, verify=trusted, timeout=20, trust_env=False, http1=False, http2=True)


def _transport(library, gateway: RunningGateway, token: str | None, workload: str, **options):
    proxy = gateway.proxy_url(workload, token) if token else f"http://127.0.0.1:{gateway.port}"
    trusted = ssl.create_default_context(cafile=str(gateway.ca))
    return library.Client(proxy=proxy, verify=trusted, timeout=20, trust_env=False, **options)


def http(gateway: RunningGateway, token: str | None = TOKEN, workload: str = "app", **options) -> httpx.Client:
    """A plain client through the proxy: what the SDKs use underneath."""
    return _transport(httpx, gateway, token, workload, **options)


def openai_client(gateway: RunningGateway, token: str = TOKEN, workload: str = "app", **options) -> openai.OpenAI:
    """The SDK, given nothing but proxy and CA (here by its client; by the environment in `in_process`)."""
    return openai.OpenAI(api_key="sk-workload-own", http_client=http(gateway, token, workload), max_retries=0, **options)


def anthropic_client(gateway: RunningGateway, token: str = TOKEN, workload: str = "app", **options) -> anthropic.Anthropic:
    client = _transport(httpx2, gateway, token, workload)
    return anthropic.Anthropic(api_key="sk-ant-workload-own", http_client=client, max_retries=0, **options)


def google_client(gateway: RunningGateway, token: str = TOKEN, workload: str = "app", **options) -> genai.Client:
    transport = http(gateway, token, workload)
    return genai.Client(api_key="AIza-workload-own", http_options={"httpx_client": transport}, **options)


def in_process(gateway: RunningGateway, code: str, token: str = TOKEN, workload: str = "app", **env: str) -> dict:
    """Run a script in a fresh process that knows only HTTPS_PROXY and the CA; it prints one JSON object."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HTTPS_PROXY": gateway.proxy_url(workload, token),
        "SSL_CERT_FILE": str(gateway.ca),
        "OPENAI_API_KEY": "sk-workload-own",
        "ANTHROPIC_API_KEY": "sk-ant-workload-own",
        **env,
    }
    done = subprocess.run(
        [sys.executable, "-c", dedent(code)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def lines(world: World) -> list[dict]:
    """Every closing line in the journals and the audit archive of the state folder."""
    texts = read_still(world.folder / "state" / "accounts")
    whole = [raw for text in texts for raw in text[: text.rfind("\n") + 1].splitlines()]
    return [record for record in map(json.loads, whole) if record.get("event") == "close"]


def read_still(folder: Path) -> list[str]:
    """All journals and archives as they stand at one moment: a file that is moved meanwhile would be missed, or be read twice."""
    while True:
        paths = sorted(folder.rglob("*.jsonl"))
        try:
            texts = [path.read_text() for path in paths]
        except FileNotFoundError:
            continue
        if paths == sorted(folder.rglob("*.jsonl")):
            return texts
