"""`outgate spend`: sums by what is asked for, two models beside each other, and files as they really are."""

import re
import subprocess
import sys
import time

import orjson
import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

NOTHING = {"outgate.charged.input_tokens": 0, "outgate.charged.output_tokens": 0}


def line(name, workload="app", model="gpt-4o", cost="0.001", **more):
    return {
        "event": "close", "id": name, "time": time.time() - 60, "outcome": "answered", "outgate.workload": workload,
        "outgate.tenant": "t1", "outgate.groups": ["lab", "people"], "gen_ai.request.model": model,
        "outgate.charged.input_tokens": 1000, "outgate.charged.output_tokens": 20, "gen_ai.usage.cache_read.input_tokens": 250,
        "outgate.cost.usd": cost,
    } | more  # fmt: skip


def run(state, *asked, columns="100"):
    return CliRunner(env={"COLUMNS": columns}).invoke(cli, ["spend", "--state", str(state), *asked])


@pytest.fixture(name="state")
def _state(tmp_path):
    return lambda *lines: written(tmp_path / "state", lines)


def written(state, lines):
    path = state / "accounts/audit/w0.a.00000001.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\n".join(map(orjson.dumps, lines)) + b'\n{"event":"close","id":"torn\n')
    return state


def test_who_spent_what_is_told_the_dearest_first(state):
    lines = [line("a"), line("b", cost="0.5"), line("c", "batch", "gpt-5", cost="2"), line("old", time=5.0)]
    told = run(state(*lines, line("no", cost=None, outcome="denied", **NOTHING))).output

    assert "in the last 1 d: 2.5010 US dollars, 3 requests" in told
    batch, app = re.findall(r"^(?:batch|app) .*", told, re.MULTILINE)
    assert ["batch", "gpt-5", "1", "1,000", "25", "%", "20", "2.0000"] == batch.split()
    assert "2,000" in app and "0.5010" in app


def test_costs_are_grouped_by_what_is_asked_for_and_exact(state):
    found = run(state(*(line(str(n), cost="0.1") for n in range(3))), "--by", "tenant,team,route", "--json").output

    assert [("t1", "lab+people", "-", 3, "0.3")] == [
        tuple(each[name] for name in ("tenant", "team", "route", "requests", "cost.usd")) for each in orjson.loads(found)
    ]


def test_what_has_no_price_and_what_was_cut_off_is_told(state):
    told = run(state(line("a", cost=None), line("b", cost=None, **{"outgate.cost.hold.usd": "0.25"}))).output

    assert "at most 0.250000 US dollars more" in told
    assert "1 requests have no known price" in told


def test_lines_of_other_shapes_cost_no_other(state):
    wrong = {"outgate.charged.input_tokens": "x", "outgate.groups": {}}
    odd = [line("b", cost="much"), line("c", cost=[1]), line("d", **wrong), [1]]

    assert "0.002000 US dollars, 4 requests" in run(state(line("a"), *odd)).output


def test_two_models_are_compared_workload_by_workload(state):
    lines = [line(f"{n}{model}", "app", model, str(0.01 + n % 3 / 1000)) for n in range(30) for model in ("old", "same")]
    lines += [line(f"{n}", "app", "new", str(0.02 + n % 3 / 1000)) for n in range(30)] + [line("x", "few", "new")]
    folder = state(*lines)
    dearer, few = orjson.loads(run(folder, "--compare", "old", "new", "--json").output)
    (same,) = orjson.loads(run(folder, "--compare", "old", "same", "--json").output)

    assert ("app", "dearer", 30, 30) == (dearer["workload"], dearer["verdict"], dearer["before.requests"], dearer["after.requests"])
    assert dearer["low"] < 0.01 < dearer["high"]
    assert ("few", "too few requests") == (few["workload"], few["verdict"])
    assert "no clear change" == same["verdict"]
    assert re.search(r"app +dearer +30 / 30 +11.000 +21.000 +\+91 %", run(folder, "--compare", "old", "new").output)


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        (("--by", "colour"), 2, "'colour' is none of tenant, team"),
        (("--last", "yesterday"), 2, "is no age; write 90s"),
        (("--last", "-1d"), 2, "is no age"),
        (("--last", "nanh"), 2, "is no age"),
        (("--compare", "a", "b"), 1, "no request of the last 30 d has a known cost with a or b"),
    ],
)
def test_what_cannot_be_is_said(state, asked, code, said):
    found = run(state(line("a")), *asked)

    assert code == found.exit_code
    assert said in found.output


def test_a_state_folder_without_accounts_is_said(tmp_path):
    assert "name the state folder of the gateway with --state" in run(tmp_path).output


@pytest.mark.parametrize("columns", [80, 100])
def test_a_screen_is_never_too_narrow(state, columns):
    long = line("a", "a-workload-with-a-name-that-goes-on-and-on-and-on", "a-model-with-a-name-that-goes-on-and-on-and-on")
    told = run(state(long, line("b")), "--by", "tenant,team,workload,model", columns=str(columns)).output

    assert max(map(len, told.splitlines())) <= columns
    assert "…" in told


def test_attack_a_name_that_steers_a_terminal_is_shown_as_text(state):
    assert "\x1b" not in run(state(line("a", "\x1b]0;owned\x07"))).output


def test_the_command_itself(state):
    command = [sys.executable, "-m", "outgate.cli.main", "spend", "--state", str(state(line("a"))), "--by", "model"]

    assert b"gpt-4o" in subprocess.run(command, capture_output=True, check=True, timeout=120).stdout
