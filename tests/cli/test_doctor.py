"""`outgate doctor` where all is well, and where each thing is wrong; endpoints are real ones behind TLS."""

import json
import socket

import pytest
import trustme
from click.testing import CliRunner

from outgate.cli.main import cli
from support.certificates import make_ca
from support.scripted_upstream import ScriptedUpstream

POLICY = """
version: 1
gateway: {{listen: "127.0.0.1:{listen}"}}
providers:
  main:
    host: main.test
    dialect: openai
    endpoints: [{{address: "127.0.0.1:{port}"}}]
    allow_addresses: [127.0.0.0/8]
    tls: {{ca: ca.pem}}
    credential: {{env: DOCTOR_KEY}}
workloads:
  app: {{tenant: t, token_hashes: ["sha256:{digest}"]}}
stages:
  authenticate: {{}}
  authorize: {{allow: [{{workloads: [app]}}]}}
  model_map: {{passthrough: true}}
  authorize_model: {{allow: [{{models: ["**"]}}]}}
routes: [{{name: all}}]
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(name="provider", scope="module")
def _provider():
    with ScriptedUpstream("main.test") as provider:
        yield provider


@pytest.fixture(name="home")
def _home(tmp_path, provider):
    make_ca(tmp_path / "certs")
    (tmp_path / "ca.pem").write_bytes(provider.ca_pem)
    write(tmp_path, provider.port)
    return tmp_path


def write(home, port, listen=0, change=("", "")):
    text = POLICY.format(port=port, listen=listen or free_port(), digest="0" * 64)
    (home / "policy.yaml").write_text(text.replace(*change))


def doctor(home, *more, key="sk-canary-doctor-0123456789"):
    words = ["doctor", "--policy", home / "policy.yaml", "--state", home / "state", "--certs", home / "certs"]
    words += ["--admin", f"127.0.0.1:{free_port()}", "--json", *more]
    done = CliRunner(env={"DOCTOR_KEY": key}).invoke(cli, list(map(str, words)))
    assert "canary" not in done.output
    return done.exit_code, {one["what"]: one for one in json.loads(done.output)}


def test_all_is_well_and_nothing_was_asked_or_made(home, provider):
    code, found = doctor(home)

    assert (0, {""}) == (code, {one["mend"] for one in found.values()}), found
    assert {"policy", "authority", "state", "listen", "admin", "provider main"} == set(found)
    assert f"127.0.0.1:{provider.port} can be reached, certificate of main.test verified" == found["provider main"]["told"]
    assert [] == provider.seen
    assert not (home / "state").exists()


def test_text_says_ok_or_mend(home):
    words = ["doctor", "--policy", home / "policy.yaml", "--state", home / "state", "--certs", home / "nowhere"]
    done = CliRunner(env={"DOCTOR_KEY": "sk-x-0123456789"}).invoke(cli, [*map(str, words), "--admin", f"127.0.0.1:{free_port()}"])

    assert 1 == done.exit_code
    assert "MEND  authority" in done.output
    assert "outgate ca init" in done.output
    assert "ok    policy" in done.output


def test_a_refused_policy_is_told_with_the_rest(home, provider):
    write(home, provider.port, change=("authenticate:", "authenticat:"))
    code, found = doctor(home)

    assert 1 == code
    assert "E_UNKNOWN_STAGE" in found["policy"]["told"]
    assert "outgate check" in found["policy"]["mend"]
    assert "" == found["state"]["mend"]


def test_a_key_that_is_not_there(home):
    code, found = doctor(home, key="")

    assert 1 == code
    assert "DOCTOR_KEY" in found["key"]["told"] + found["key"]["mend"]


def test_a_port_that_is_taken_and_a_provider_that_does_not_run(home):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        write(home, free_port(), listen=taken.getsockname()[1])
        code, found = doctor(home)

    assert 1 == code
    assert "--listen" in found["listen"]["mend"]
    assert "nothing listens there" in found["provider main"]["mend"]
    assert "providers.main.endpoints" in found["provider main"]["mend"]


def test_a_provider_of_an_authority_that_is_not_trusted(home):
    with ScriptedUpstream("main.test", ca=trustme.CA()) as stranger:
        write(home, stranger.port)
        code, found = doctor(home)

    assert 1 == code
    assert "providers.main.tls.ca" in found["provider main"]["mend"]


def test_a_state_folder_that_is_a_file(home):
    (home / "state").write_text("")
    code, found = doctor(home)

    assert 1 == code
    assert "--state" in found["state"]["mend"]


def test_a_full_disk_and_an_authority_that_ends(home, monkeypatch):
    monkeypatch.setattr("outgate.cli.doctor._ROOM", 1 << 60)
    monkeypatch.setattr("outgate.cli.doctor.ENDS_SOON", 1e10)
    code, found = doctor(home)

    assert 1 == code
    assert "make room" in found["state"]["mend"]
    assert "outgate ca" in found["authority"]["mend"]
