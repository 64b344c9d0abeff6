import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from outgate.cli.main import cli
from outgate.cli.run import address_of
from outgate.server import supervisor
from support.policies import BASE, write


@pytest.mark.parametrize(
    ("text", "expected"), [("127.0.0.1:8080", ("127.0.0.1", 8080)), ("[::1]:0", ("::1", 0)), ("host:65535", ("host", 65535))]
)
def test_addresses(text, expected):
    assert expected == address_of(text)


@pytest.mark.parametrize("text", ["8080", "host", "host:", ":80", "host:99999", "host:-1", "host:http"])
def test_what_is_no_address(text):
    with pytest.raises(click.BadParameter):
        address_of(text)


@pytest.fixture(name="started")
def _started(monkeypatch):
    seen = []
    monkeypatch.setattr(supervisor, "run", lambda settings: seen.append(settings) or 0)
    return seen


def test_the_policy_says_where_to_listen_and_options_override_it(tmp_path, started):
    path = write(tmp_path, BASE + "gateway: {listen: '127.0.0.1:9999', transparent: '0.0.0.0:9998'}\n")
    assert 0 == CliRunner().invoke(cli, ["run", "--policy", str(path), "--workers", "3"]).exit_code
    assert 0 == CliRunner().invoke(cli, ["run", "--policy", str(path), "--listen", "[::1]:1", "--pin", "abc"]).exit_code

    first, second = started
    assert (("127.0.0.1", 9999), ("0.0.0.0", 9998), 3, path) == (first.listen, first.transparent, first.workers, Path(first.policy))
    assert (("::1", 1), "abc") == (second.listen, second.pin)


def test_it_says_what_it_runs_and_what_workloads_trust(tmp_path, started):
    result = CliRunner().invoke(cli, ["run", "--policy", str(write(tmp_path)), "--certs", str(tmp_path / "c"), "--log", "json"])

    said = json.loads(result.stderr)["message"]
    assert f"outgate runs {tmp_path}/policy.yaml; workloads trust {tmp_path}/c/mitmproxy-ca-cert.pem; accounts in " in said


def test_what_is_told_and_what_is_kept(tmp_path, started):
    keeping = ("--audit", "-", "--audit-full", "2MB", "--audit-full-after", "6h", "--audit-keep", "90d", "--audit-keep-files", "7")
    path = str(write(tmp_path))
    assert 0 == CliRunner().invoke(cli, ["run", "--policy", path, "--log", "json", "--log-level", "info", *keeping]).exit_code
    assert 0 == CliRunner().invoke(cli, ["run", "--policy", path, "--audit-keep-size", "10gb"]).exit_code

    first, second = started
    assert ("json", "info") == (first.log, first.log_level)
    assert ((2_000_000, 21600.0), (7_776_000.0, None, 7), True) == first.audit
    assert ((64_000_000, 86400.0), (None, 10_000_000_000, None), False) == second.audit


@pytest.mark.parametrize("size", ["much", "1XB", "-1", "1.5GB", ""])
def test_what_is_no_size(tmp_path, started, size):
    result = CliRunner().invoke(cli, ["run", "--policy", str(write(tmp_path)), "--audit-full", size])

    assert (2, True) == (result.exit_code, "is no size; write 64MB, 10GB" in result.output)


def test_a_refused_policy_is_an_object_too_where_the_log_is(tmp_path, started):
    result = CliRunner().invoke(cli, ["run", "--policy", str(tmp_path / "none.yaml"), "--log", "json"])

    assert (2, True) == (result.exit_code, "E_UNREADABLE" in json.loads(result.stderr)["message"])


def test_a_policy_that_cannot_be_read_ends_with_2(tmp_path, started):
    result = CliRunner().invoke(cli, ["run", "--policy", str(tmp_path / "none.yaml")])

    assert 2 == result.exit_code
    assert "E_UNREADABLE" in result.output
    assert [] == started
