"""The words of a running gateway: the log as objects, its level, closing lines on standard output, and files that are kept."""

import json
import os
import signal

import pytest
from click.testing import CliRunner

from e2e.load import URL, ask, put
from e2e.world import World, http, lines
from outgate.cli.main import cli

EXTRA = ("--log", "json", "--log-level", "error", "--audit", "-", "--audit-full", "1", "--audit-keep", "1d")


@pytest.fixture(name="shared", scope="module")
def _shared(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("log"), *providers)
    old = world.folder / "state" / "accounts" / "audit" / "w0.old.00000001.jsonl"
    old.parent.mkdir(parents=True)
    old.write_text('{"event":"close","id":"old"}\n')
    os.utime(old, (0, 0))
    with world.gateway(world.policy(), extra=EXTRA) as gateway:
        yield world, gateway


def deny(gateway):
    with http(gateway) as client:
        assert client.get("https://example.com/").status_code == 403


def denials(gateway):
    return sum(line["message"].startswith("denied 403 ") for line in told(gateway))


def tells_denials(gateway):
    """Whether another line tells of one: like ones of ten seconds have one line, and it may take a moment to come."""
    before = denials(gateway)
    return gateway.wait(lambda: deny(gateway) or denials(gateway) > before, 60)


def told(gateway):
    return [line for line in map(json.loads, gateway.log) if "message" in line]


def copied(gateway):
    return [line for line in map(json.loads, gateway.log) if line.get("event") == "close"]


def says(gateway, text):
    return any(text in line["message"] for line in told(gateway))


def signalled(gateway, number, level):
    before = len(gateway.log)
    gateway.process.send_signal(number)
    assert gateway.wait(lambda: any(f"the log tells level {level} from now on" in line for line in gateway.log[before:]), 20)


def test_levels_change_while_it_runs_in_workers_too(shared):
    _, gateway = shared
    said, closed = denials(gateway), len(copied(gateway))
    deny(gateway)
    assert gateway.wait(lambda: len(copied(gateway)) > closed, 20)
    assert denials(gateway) == said
    signalled(gateway, signal.SIGUSR1, "warning")
    assert tells_denials(gateway)
    signalled(gateway, signal.SIGUSR1, "info")
    assert gateway.wait(lambda: ask(gateway) == 200 and says(gateway, "answered 200 workload=app"), 20)
    signalled(gateway, signal.SIGUSR2, "error")


def test_a_worker_that_is_started_anew_tells_as_much(shared):
    _, gateway = shared
    signalled(gateway, signal.SIGUSR1, "warning")
    (worker,) = gateway.worker_pids()
    os.kill(worker, signal.SIGKILL)
    assert gateway.wait(lambda: gateway.worker_pids() not in ([], [worker]), 30)
    assert gateway.wait(lambda: gateway.get("/readyz")[0] == 200, 60)
    assert tells_denials(gateway)
    signalled(gateway, signal.SIGUSR2, "error")


def test_every_closing_line_is_on_standard_output_once_and_in_a_file_that_commands_read(shared):
    world, gateway = shared
    with http(gateway) as client:
        asked = client.post(URL, json={"model": "gpt-4o-mini", "messages": []}).headers["x-outgate-request-id"]
    assert gateway.wait(lambda: asked in [line["id"] for line in copied(gateway)], 20)
    assert gateway.wait(lambda: any(asked in path.read_text() for path in (world.folder / "state/accounts/audit").iterdir()), 20)
    assert gateway.wait(lambda: sorted(line["id"] for line in copied(gateway)) == sorted(line["id"] for line in lines(world)), 20)
    for command in (["why", asked], ["spend"], ["denied"]):
        result = CliRunner().invoke(cli, [*command, "--state", str(world.folder / "state")])
        assert (0, True) == (result.exit_code, bool(result.output.strip())), result.output


def test_what_is_not_kept_is_removed(shared):
    world, gateway = shared
    assert gateway.wait(lambda: not (world.folder / "state/accounts/audit/w0.old.00000001.jsonl").exists(), 20)


def test_what_two_workers_would_say_is_said_once_and_of_a_worker_that_it_is_back(tmp_path, providers):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(), workers=2) as gateway:
        good = gateway.policy.read_text()

        def said(text):
            return sum(text in line for line in gateway.log)

        def shows(*samples):
            return gateway.wait(lambda: all(each in gateway.get("/metrics")[1] for each in samples), 60)

        put(gateway.policy, good.replace("tenant: t2", "tenant: t3"))
        assert gateway.wait(lambda: said(" takes effect: "), 60)
        assert shows('outgate_policy_reloads_total{result="applied"} 2.0')
        put(gateway.policy, good + "\nnonsense: 5\n")
        assert shows("outgate_policy_refused 2.0")
        put(gateway.policy, good)
        assert shows("outgate_policy_refused 0.0", 'outgate_policy_reloads_total{result="applied"} 4.0')
        os.kill(gateway.worker_pids()[0], signal.SIGKILL)
        assert gateway.wait(lambda: said(" is back after ") and gateway.get("/readyz") == (200, "2 of 2 workers ready\n"), 90)

    told = (" takes effect: ", " is refused, the one in force stays", "E_UNKNOWN_KEY", "outgate is ready")
    assert [2, 1, 1, 1] == list(map(said, told)), gateway.log
