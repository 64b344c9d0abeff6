"""An agent that holds only a placeholder clones and pushes with Git over HTTPS; its Git host gets the token it never saw."""

import shutil

import pytest

from e2e.world import TOKEN, World
from support.git_server import GitHost, git

REAL = "ghp_canaryGitToken8831c0ffee5e11abXYZ"
TEXT = "outgate-placeholder-5c0ffee5e11ab0123456789a"
PROVIDERS = """
git:
  host: git.test
  dialect: none
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  placeholders:
    git-token:
      text: {text}
      credential: {{file: {file}}}
      workloads: [app]
      methods: [GET, POST]
      paths: ["/repo.git/**"]
"""
STAGES = """
authenticate: {}
authorize: {allow: [{providers: [git]}]}
admit_parts: {allow_unjudged: [opaque]}
"""
ROUTES = "- {name: git, match: {destinations: [git]}}"

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture(name="host", scope="module")
def _host(providers, tmp_path_factory):
    with GitHost(tmp_path_factory.mktemp("git"), providers[0].ca, "git.test", REAL) as host:
        yield host


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, host, tmp_path_factory):
    folder = tmp_path_factory.mktemp("placeholders")
    world = World(folder, *providers)
    (folder / "token").write_text(REAL)
    section = PROVIDERS.format(port=host.port, ca=folder / "upstream-ca.pem", text=TEXT, file=folder / "token")
    with world.gateway(world.policy(STAGES, ROUTES, providers=section)) as gateway:
        yield gateway


def run(gateway, folder, *arguments, token=TEXT):
    environ = {"HTTPS_PROXY": gateway.proxy_url("app", TOKEN), "GIT_SSL_CAINFO": str(gateway.ca), "GIT_TRACE_CURL": "1"}
    return git(*(each.format(url=f"https://agent:{token}@git.test/repo.git") for each in arguments), folder=folder, **environ)


def test_git_clones_and_pushes_with_a_placeholder(gateway, host, tmp_path):
    cloned = run(gateway, tmp_path, "clone", "-q", "{url}", "work")
    assert 0 == cloned.returncode, cloned.stderr[-2000:]
    (tmp_path / "work" / "blob").write_bytes(bytes(range(256)) * 1000)
    for step in (["add", "."], ["commit", "-q", "-m", "second"], ["push", "-q", "{url}", "main"]):
        done = run(gateway, tmp_path, "-C", "work", *step)
        assert 0 == done.returncode, done.stderr[-2000:]

    assert ["second", "first"] == host.log()
    assert REAL not in cloned.stderr + done.stderr


def test_another_token_is_the_hosts_to_refuse(gateway, host, tmp_path):
    done = run(gateway, tmp_path, "clone", "-q", "{url}", "work", token="guessed")

    assert 0 != done.returncode
    assert None in {authorization for _, _, authorization in host.asked}
    assert "Authentication failed" in done.stderr
