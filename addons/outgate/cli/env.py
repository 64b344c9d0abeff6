"""`outgate env`: what a workload sets to use the gateway, to paste into a shell, or as files for Docker and Kubernetes."""

import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import click

from outgate.cli.misspelt import there_is_no
from outgate.cli.options import CERTIFICATE, CERTS, POLICY
from outgate.errors import PolicyError
from outgate.policy.schema import PolicySection
from outgate.policy.source import read_source
from outgate.policy.validate import validate

_INSIDE = "/etc/outgate/ca.pem"
"""Where a container finds the certificate."""
_VARIABLE = "$TOKEN"
_ANYWHERE = ("0.0.0.0", "[::]", "::")  # noqa: S104 - what a policy may say
_MOUNT = "{name: outgate-ca, mountPath: /etc/outgate, readOnly: true}"
_TRUST = ("CURL_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "DENO_CERT", "GIT_SSL_CAINFO")


class Reached(NamedTuple):
    """How clients reach the gateway: its host, its port, and the names there under which it is a provider's base URL."""

    host: str
    port: str
    aliases: tuple[str, ...] = ()

    def proxy(self, name: str, token: str) -> str:
        return f"http://{name}:{token}@{self.host}:{self.port}"


@click.command()
@click.argument("name")
@click.option(
    "--format", "form", type=click.Choice(("shell", "docker", "k8s")), default="shell", show_default=True, help="For what."
)
@click.option("--host", help="The gateway's name where the workload runs. Without it, what the policy listens on.")
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input and write it out, not $TOKEN.")
@POLICY
@CERTS
def command(*, name: str, form: str, host: str | None, token_stdin: bool, file: Path, certs: Path) -> None:
    """Print what the workload NAME sets: proxy and authority, for each runtime.

    `docker` is a file for --env-file, `k8s` a Secret and a ConfigMap; both hold the token, so they need --token-stdin.

    Exit code 1 where the policy is refused, or has no such workload.
    """
    policy = policy_of(file)
    if name not in policy.workloads:
        raise click.ClickException(
            there_is_no("workload", name, policy.workloads, str(file), "it has none; `outgate workload add` adds one")
        )
    gateway, token = reached(policy, host), _token() if token_stdin else ""
    if form == "shell":
        click.echo(for_shell(name, gateway, certs, token or _VARIABLE))
        return
    if not token:
        raise click.UsageError(
            f"`outgate workload rotate {name} | outgate env {name} --format {form} --token-stdin` writes the token too"
        )
    click.echo(_for_docker(name, gateway, certs, token) if form == "docker" else _for_kubernetes(name, gateway, certs, token))


def policy_of(file: Path) -> PolicySection:
    """What a policy file says. Where it is refused, say why and end with 1."""
    try:
        return validate(read_source(file))[0].policy
    except PolicyError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _token() -> str:
    token = sys.stdin.read().strip()
    if not re.fullmatch(r"[\w-]{16,}", token):
        raise click.ClickException("standard input holds no token")
    return token


def reached(policy: PolicySection, host: str | None = None) -> Reached:
    """How a policy says that it is reached. `host` is the name of the machine; needed where the policy listens everywhere."""
    listens, _, port = policy.gateway.listen.rpartition(":")
    aliases = (alias for provider in policy.providers.values() for alias in provider.aliases)
    here = sorted({alias for alias in aliases if (alias.partition(":")[2] or "80") == port})
    return Reached(host or ("GATEWAY" if listens in _ANYWHERE else listens), port, tuple(here))


def for_shell(name: str, gateway: Reached, certs: Path, token: str = _VARIABLE) -> str:
    """Lines for a POSIX shell."""
    path = (certs / CERTIFICATE).absolute()
    ca = shlex.quote(str(path))
    java = f"-Dhttps.proxyHost={gateway.host} -Dhttps.proxyPort={gateway.port} -Djdk.http.auth.tunneling.disabledSchemes="
    lines = [
        f"# {name}: $TOKEN is what `outgate workload add` or `rotate` printed" if token == _VARIABLE else f"# {name}",
        f'export HTTPS_PROXY="{gateway.proxy(name, token)}" NO_PROXY=localhost,127.0.0.1',
        "# curl, git",
        f"export CURL_CA_BUNDLE={ca} GIT_SSL_CAINFO={ca}",
        "# Python: openai, anthropic, httpx, requests",
        f"export SSL_CERT_FILE={ca} REQUESTS_CA_BUNDLE={ca}",
        "# Node 24 and later, Bun, Deno",
        f"export NODE_EXTRA_CA_CERTS={ca} NODE_USE_ENV_PROXY=1 DENO_CERT={ca}",
        "# Go: net/http; Rust: reqwest with the system's roots",
        f"export SSL_CERT_FILE={ca}",
        "# Java: the proxy's name and token stand in an Authenticator of the program; the authority in a key store, made once:",
        f"#   keytool -importcert -noprompt -alias outgate -file {ca} -keystore outgate.p12 -storepass changeit",
        f'export JAVA_TOOL_OPTIONS="-Djavax.net.ssl.trustStore=$PWD/outgate.p12 {java}"',
    ]
    if gateway.aliases:
        lines += [
            "# without a proxy, for OpenAI's SDKs",
            f'export OPENAI_BASE_URL=http://{gateway.aliases[0]}/v1 OPENAI_API_KEY="{token}"',
        ]
    return "\n".join(lines)


def _variables(name: str, gateway: Reached, token: str) -> dict[str, str]:
    trust = dict.fromkeys(_TRUST, _INSIDE)
    return {"HTTPS_PROXY": gateway.proxy(name, token), "NO_PROXY": "localhost,127.0.0.1", **trust, "NODE_USE_ENV_PROXY": "1"}


def _for_docker(name: str, gateway: Reached, certs: Path, token: str) -> str:
    head = f"# docker run --env-file FILE -v {(certs / CERTIFICATE).absolute()}:{_INSIDE}:ro …"
    return "\n".join((head, *(f"{key}={value}" for key, value in _variables(name, gateway, token).items())))


def _for_kubernetes(name: str, gateway: Reached, certs: Path, token: str) -> str:
    try:
        certificate = (certs / CERTIFICATE).read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}; `outgate ca init` makes it") from error
    secret = f"outgate-{re.sub('[^a-z0-9-]', '-', name.lower())}"
    return "\n".join(
        (
            "# outgate env … | kubectl apply -f -        and in the workload's pod:",
            f"#   containers: [{{envFrom: [{{secretRef: {{name: {secret}}}}}], volumeMounts: [{_MOUNT}]}}]",
            "#   volumes: [{name: outgate-ca, configMap: {name: outgate-ca}}]",
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {secret}}}\nstringData:",
            *(f'  {key}: "{value}"' for key, value in _variables(name, gateway, token).items()),
            "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: outgate-ca}\ndata:\n  ca.pem: |",
            *(f"    {line}" for line in certificate),
        )
    )
