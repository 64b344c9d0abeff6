"""`outgate status` against an admin port that says what a gateway says; the real one is asked in tests/e2e/server."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

MAIN = 'backend="main",endpoint="eu:443",failure="unauthorized",reason="answer.error_status",status="401"'
OLD = 'backend="old",endpoint="us:443",failure="connect_failed",reason="connect.refused",status=""'
FAILING = f"""\
outgate_backend_failing{{{MAIN}}} 1.0
outgate_backend_failing_seconds{{{MAIN},at="since"}} 60.0
outgate_backend_failing_seconds{{{MAIN},at="last"}} 90.0
outgate_backend_failing_seconds{{{MAIN},at="answered"}} 0.0
outgate_backend_failing_attempts{{{MAIN},result="failed"}} 3.0
outgate_backend_failing_attempts{{{MAIN},result="answered"}} 1.0
outgate_backend_failing{{{OLD}}} 0.0
outgate_backend_failing_seconds{{{OLD},at="answered"}} 120.0
"""
METRICS = """\
# TYPE outgate_workers gauge
outgate_workers{state="configured"} 2.0
outgate_workers{state="ready"} 1.0
outgate_policy_info{revision="old"} 0.0
outgate_policy_info{revision="new"} 2.0
outgate_policy_refused 2.0
outgate_connections 12.0
outgate_exchanges_in_flight 3.0
outgate_model_server_up 0.0
outgate_certificate_expires_seconds{certificate="authority"} 5.0
outgate_budget_tokens{budget="day@day",of="workload=a%2Fb",state="used"} 250.0
outgate_budget_tokens{budget="day@day",of="workload=a%2Fb",state="held"} 50.0
outgate_budget_tokens{budget="day@day",of="workload=a%2Fb",state="left"} 700.0
outgate_budget_warned{budget="day@day",of="workload=a%2Fb"} 0.2
"""


@pytest.fixture(name="admin")
def _admin():
    class Handler(BaseHTTPRequestHandler):
        ready = (200, "1 of 2 workers ready, model server down\n")
        metrics = METRICS

        def do_GET(self):
            status, text = self.ready if self.path == "/readyz" else (200, self.metrics)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler, f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


STARTING = METRICS.partition("outgate_budget")[0].replace('"ready"} 1.0', '"ready"} 0.0').replace("} 2.0", "} 0.0")


def run(admin, *more, columns="100"):
    return CliRunner(env={"COLUMNS": columns}).invoke(cli, ["status", "--admin", admin, *more])


def test_a_gateway_is_told_on_one_screen(admin):
    found = run(admin[1])

    assert 0 == found.exit_code
    for said in (
        "serves: 1 of 2 workers ready, model server down", "policy     new (2 workers)", "the policy on disk is refused",
        "1 of 2 ready", "model server down", "12 connections, 3 requests in flight", "EXPIRED on 1970-01-01",
    ):  # fmt: skip
        assert said in found.output, found.output
    assert "day@day workload=a/b 250 50 700 25 past 20%" == " ".join(found.output.splitlines()[-1].split())


def test_an_authority_that_ends_soon_says_what_to_do(admin):
    ends = (datetime.now(UTC) + timedelta(days=5, hours=1)).timestamp()
    admin[0].metrics = METRICS.replace('{certificate="authority"} 5.0', f'{{certificate="authority"}} {ends}')

    assert "5 days, ENDS SOON: `outgate ca init --force`" in run(admin[1], columns="400").output


def test_for_programs(admin):
    told = json.loads(run(admin[1], "--json").output)

    assert ({"new": 2}, 2, 3) == (told["policy"], told["policy_refused"], told["in_flight"])
    budget = {"budget": "day@day", "of": "workload=a/b", "used": 250, "held": 50, "left": 700, "warned_at": 0.2}
    assert [budget] == told["budgets"]


def test_a_gateway_that_does_not_serve_ends_with_1(admin):
    admin[0].ready = (503, "0 of 2 workers ready\n")
    found = run(admin[1])

    assert (1, True) == (found.exit_code, "does not serve: 0 of 2 workers ready" in found.output)


def test_a_provider_that_fails_is_said_with_what_to_mend_before_one_that_answers_again(admin):
    admin[0].metrics = METRICS + FAILING
    told = [line for line in run(admin[1], columns="400").output.splitlines() if "  provider" in line]

    since = "since 1970-01-01 00:01:00, 3 of 4 attempts, last 1970-01-01 00:01:30 UTC; to mend: the key that the provider refuses"
    assert told[0].startswith(f"  provider   main FAILS: 401 at eu:443 {since} is `providers.main.credential`")
    assert told[1].startswith("  provider   old answers again since 1970-01-01 00:02:00; it failed: refused at us:443 since ")
    assert 2 == len(told)


def test_a_credential_that_cannot_be_read_is_said(admin):
    place = '{backend="main",endpoint="",failure="credential_unreadable",reason="credential.unreadable",status=""}'
    admin[0].metrics = METRICS + f"outgate_backend_failing{place} 1.0\n"

    assert (
        "main: its credential CANNOT BE READ since 1970-01-01 00:00:00 UTC; to mend: no key" in run(admin[1], columns="400").output
    )


def test_no_provider_fails(admin):
    assert "providers  none fails" in run(admin[1]).output


def test_while_it_starts_nothing_is_said_that_is_not_known_yet(admin):
    admin[0].ready, admin[0].metrics = (503, "0 of 2 workers ready, starting\n"), STARTING
    found = run(admin[1])

    assert (1, True) == (found.exit_code, "is starting, and does not serve yet" in found.output)
    assert "policy     not read yet" in found.output
    assert not any(name in found.output for name in ("model server", "provider"))


@pytest.mark.parametrize("text", ["hello world\n", "<html>404</html>", "up 1.0\n", ""])
def test_another_server_is_said_to_be_no_outgate(admin, text):
    admin[0].metrics = text
    found = run(admin[1])

    assert (1, SystemExit) == (found.exit_code, type(found.exception))
    assert f"{admin[1]} is no outgate; name the address" in found.output


def test_a_server_that_speaks_no_http_is_said_to_be_no_outgate():
    def speak():
        with listener.accept()[0] as peer:
            peer.recv(1024)
            peer.sendall(b"hello world\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=speak, daemon=True).start()
        found = run(f"127.0.0.1:{listener.getsockname()[1]}")

    assert (1, SystemExit) == (found.exit_code, type(found.exception))
    assert "is no outgate" in found.output


def test_a_sample_that_is_no_number_costs_no_other(admin):
    admin[0].metrics = f"hello world\n{METRICS}"

    assert "12 connections" in run(admin[1]).output


@pytest.mark.parametrize("where", ["no port", "[::", "", "a:b"])
def test_what_is_no_address_is_said(where):
    assert (2, True) == ((found := run(where)).exit_code, "is not host:port" in found.output)


def test_nobody_there_is_said():
    found = run("127.0.0.1:1")

    assert 1 == found.exit_code
    assert "name the address of `outgate run --admin` with --admin" in found.output


@pytest.mark.parametrize("columns", [80, 100])
def test_a_screen_is_never_too_narrow(admin, columns):
    assert max(map(len, run(admin[1], columns=str(columns)).output.splitlines())) <= columns
