"""The gateway between clients that smuggle and three real servers, and the folder of its books."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from e2e.world import TOKEN, token_hash
from slow.faults.backends import NAMES, Backends
from support.gateway import RunningGateway
from support.raw_client import basic

KEY = "sk-canary-smuggling-77f1c0ff"
ALIASES = {name: f"{name}.svc.cluster.local" for name in NAMES}
TOKEN_FIELD = b"Authorization: Bearer " + TOKEN.encode() + b"\r\n" + "{}: {}".format(*basic(TOKEN)).encode()
POLICY = """\
version: 1
gateway:
  limits: {{head_seconds: 3, body_seconds: 0.5}}
providers:
{providers}
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
      - {{models: ["v-*"]}}
routes:
  - name: all
"""
PROVIDER = """\
  {name}:
    host: {host}
    dialect: openai
    aliases: [{alias}]
    endpoints: [{{address: "127.0.0.1:{port}"}}]
    allow_addresses: [127.0.0.0/8]
    tls: {{ca: {ca}}}
    credential: {{env: SMUGGLING_KEY}}
"""


class Stand(NamedTuple):
    """The backends, the gateway before them, and the folder of its books."""

    backends: Backends
    gateway: RunningGateway
    folder: object


@contextmanager
def stood(folder: Path) -> Iterator[Stand]:
    with Backends(folder / "backends") as backends:
        ca = folder / "ca.pem"
        ca.write_bytes(backends.ca)
        providers = "".join(
            PROVIDER.format(name=name, host=NAMES[name], alias=ALIASES[name], port=port, ca=ca)
            for name, port in backends.ports.items()
        )
        policy = folder / "policy.yaml"
        policy.write_text(POLICY.format(providers=providers, hash=token_hash(TOKEN)))
        with RunningGateway(policy, folder / "state", env={"SMUGGLING_KEY": KEY}) as gateway:
            yield Stand(backends, gateway, folder)
