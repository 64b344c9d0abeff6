"""Bodies that nobody reads are sent on as they come, where a provider is opened for that: held nowhere, sent once, unread."""

import hashlib
import shutil
import threading

import httpx
import pytest

from e2e.world import TOKEN, World, http, http2, lines
from support.git_server import GitHost, git
from support.upload_host import UploadHost
from support.waiting import until

REAL, TEXT = "canary-real-9931c0ffee5e11ab", "outgate-placeholder-77b2c0ffee5e11ab01234567"
GIT_TOKEN = "ghp_canaryGitToken9931c0ffee5e11abXYZ"
HOST = """
{name}:
  host: {name}.test
  dialect: none
  stream_uploads: true
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  timeouts: {{idle: 10, head: 10, total: 60}}
  placeholders:
    {name}-token:
      text: {text}
      credential: {{file: {file}}}
      workloads: [app]
      {stands}
"""
STAGES = "authenticate: {}\nauthorize: {allow: [{}]}\nadmit_parts: {allow_unjudged: [opaque]}\n"
ROUTES = """
- name: uploads
  match: {destinations: [objects, git]}
  retry: {attempts: 4, same: 2, sent: true, budget: 1, backoff: [0.01, 0.02]}
"""
GATEWAY = "limits: {body_bytes: 524288, buffered_bytes: 2097152}"
PIECE = bytes(range(256)) * 256
LARGE = 24 * 1024 * 1024
"""Twelve times what the gateway may hold of all bodies."""


def digest(size):
    return hashlib.sha256(PIECE * (size // len(PIECE))).hexdigest()


def pieces(size=LARGE, sent=None):
    for _ in range(size // len(PIECE)):
        yield PIECE
        if sent is not None:
            sent.append(len(PIECE))


@pytest.fixture(name="host", scope="module")
def _host(providers):
    with UploadHost(providers[0].ca, "objects.test") as host:
        yield host


@pytest.fixture(name="repository", scope="module")
def _repository(providers, tmp_path_factory):
    with GitHost(tmp_path_factory.mktemp("git"), providers[0].ca, "git.test", GIT_TOKEN) as repository:
        yield repository


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, host, repository, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("uploads"), *providers)
    more = ""
    for name, port, text, real, stands in (
        ("objects", host.port, TEXT, REAL, "stands_in: {headers: [authorization], query: [key]}"),
        ("git", repository.port, f"{TEXT[:-2]}89", GIT_TOKEN, "methods: [GET, POST]"),
    ):
        (world.folder / name).write_text(real)
        ca = world.folder / "upstream-ca.pem"
        more += HOST.format(name=name, port=port, ca=ca, text=text, file=world.folder / name, stands=stands)
    with world.inside(world.policy(STAGES, ROUTES, GATEWAY, more)) as gateway:
        yield gateway


@pytest.fixture(name="put")
def _put(gateway, host):
    host.forget()

    def put(content, *, client=http, headers=(), target="/bucket/object"):
        fields = {"authorization": f"Bearer {TEXT}", **dict(headers)}
        with client(gateway) as opened:
            return opened.put(f"https://objects.test{target}", content=content, headers=fields, timeout=60)

    yield put
    host.forget()


def last(gateway, count):
    assert until(lambda: len(lines(gateway.world)) > count)
    return lines(gateway.world)[-1]


@pytest.mark.parametrize("client", [http, http2])
@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_an_upload_beyond_all_bounds_of_memory_arrives_whole(gateway, put, host, client, length):
    before = len(lines(gateway.world))
    reply = put(pieces(), client=client, headers={"content-length": str(LARGE)} if length else {})

    assert (201, False) == (reply.status_code, REAL in reply.text)
    [(method, target, fields, size, found)] = host.came
    assert ("PUT", "/bucket/object", LARGE, digest(LARGE)) == (method, target, size, found)
    assert f"Bearer {REAL}" == fields["authorization"]
    assert (str(LARGE) if length else None, None if length else "chunked") == (
        fields.get("content-length"),
        fields.get("transfer-encoding"),
    )
    line = last(gateway, before)
    assert ("opaque", "placeholder:objects-token") == (line["gen_ai.operation.name"], line["outgate.credential"])
    assert "opaque" in str(line)


def test_a_coding_goes_on_with_its_body(put, host):
    put(pieces(1 << 20), headers={"content-encoding": "gzip", "content-type": "application/x-thing"})

    [(_, _, fields, size, _)] = host.came
    assert (1 << 20, "gzip", "application/x-thing") == (size, fields["content-encoding"], fields["content-type"])


def test_a_placeholder_in_the_query_is_put_in(put, host):
    put(pieces(1 << 20), headers={"authorization": "none"}, target=f"/bucket/object?key={TEXT}")

    assert f"/bucket/object?key={REAL}" == host.came[0][1]


def test_a_client_waits_for_a_provider_that_does_not_read(put, host):
    host.gate.clear()
    sent, done = [], []
    asking = threading.Thread(target=lambda: done.append(put(pieces(2 * LARGE, sent))))
    asking.start()
    assert until(lambda: host.asked)
    seen = []
    assert until(lambda: seen.append(sum(sent)) or (len(seen) > 40 and len(set(seen[-40:])) == 1))
    assert sum(sent) < LARGE, "what is not taken stays with the client"
    host.gate.set()
    asking.join(60)

    assert 201 == done[0].status_code
    assert 2 * LARGE == host.came[0][3]


def test_a_provider_that_breaks_off_is_an_error_and_is_not_asked_again(put, host):
    host.breaks_at = 1 << 20
    reply = put(pieces(4 << 20))

    assert (502, 1) == (reply.status_code, host.asked)
    assert reply.headers["x-outgate-reason"] in ("upstream_reset_before_head", "upstream_connect_failed")
    assert "connection ended" in reply.text


def test_what_a_provider_refuses_early_is_told(put, host):
    host.refuses = True
    reply = put(pieces(256 << 10))

    assert reply.status_code in (413, 502)
    assert 1 == host.asked


def test_a_client_that_leaves_ends_the_upload(gateway, put, host):
    before = len(lines(gateway.world))

    def leaves():
        yield from pieces(1 << 20)
        assert until(lambda: host.read)
        raise ConnectionAbortedError

    with pytest.raises((ConnectionAbortedError, httpx.HTTPError)):
        put(leaves())

    assert until(lambda: host.cut)
    assert [] == host.came
    assert "client_gone" == last(gateway, before)["outcome"]


def test_a_body_of_no_length_is_none(put, host):
    assert 201 == put(b"").status_code
    assert ("0", 0) == (host.came[0][2].get("content-length"), host.came[0][3])


@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "POST"])
@pytest.mark.parametrize("client", [http, http2])
def test_a_request_without_a_body_goes_out_without_one(gateway, host, client, method):
    host.forget()
    with client(gateway) as opened:
        reply = opened.request(method, "https://objects.test/bucket/object", headers={"authorization": f"Bearer {TEXT}"})

    [(_, _, fields, size, _)] = host.came
    assert (201, 0) == (reply.status_code, size)
    assert ("0" if method == "POST" else None, None) == (fields.get("content-length"), fields.get("transfer-encoding"))


@pytest.mark.parametrize("client", [http, http2])
@pytest.mark.parametrize("length", [True, False], ids=["length", "chunked"])
def test_a_DELETE_with_a_body_takes_it_along(gateway, host, client, length):
    host.forget()
    fields = {"authorization": f"Bearer {TEXT}", **({"content-length": str(1 << 20)} if length else {})}
    with client(gateway) as opened:
        reply = opened.request("DELETE", "https://objects.test/bucket/object", content=pieces(1 << 20), headers=fields)

    assert (201, 1 << 20) == (reply.status_code, host.came[0][3])


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_pushes_what_is_held_nowhere(gateway, repository, tmp_path):
    environ = {"HTTPS_PROXY": gateway.proxy_url("app", TOKEN), "GIT_SSL_CAINFO": str(gateway.ca)}
    url = f"https://agent:{TEXT[:-2]}89@git.test/repo.git"
    cloned = git("clone", "-q", url, "work", folder=tmp_path, **environ)
    assert 0 == cloned.returncode, cloned.stderr[-2000:]
    (tmp_path / "work" / "blob").write_bytes(b"".join(hashlib.sha256(at.to_bytes(3)).digest() for at in range(1 << 17)))
    for step in (["add", "."], ["commit", "-q", "-m", "large"], ["push", "-q", url, "main"]):
        done = git("-C", "work", *step, folder=tmp_path, **environ)
        assert 0 == done.returncode, done.stderr[-2000:]

    assert "large" == repository.log()[0]
