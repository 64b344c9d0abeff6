"""`outgate run` with several workers: one socket, restarts, drain (R1), reload (R2), restart after SIGKILL (R3), no orphans."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.load import BODY, URL, Load, ask, put
from e2e.world import STAGES, World, http, lines, openai_client
from support.behaviours import held, stalled
from support.openai_answers import chat_events

BUDGET = """
count_tokens: {}
token_budget:
  limits:
    - {name: day, tokens: 1000000000, window: day}
"""
_OUTGATE = str(Path(sys.executable).with_name("outgate"))
ALL_READY = (200, "2 of 2 workers ready\n")


@pytest.fixture(name="shared", scope="module")
def _shared(providers, tmp_path_factory):
    """Two workers for the tests that leave the gateway as they found it."""
    world = World(tmp_path_factory.mktemp("workers"), *providers)
    with world.gateway(world.policy(STAGES + BUDGET), workers=2) as gateway:
        yield world, gateway


@pytest.fixture(name="pair")
def _pair(shared):
    gateway = shared[1]
    good = gateway.policy.read_text()
    assert gateway.wait(lambda: gateway.get("/readyz") == ALL_READY, 60)
    yield gateway
    put(gateway.policy, good)


@pytest.fixture(name="world")
def _world(shared):
    return shared[0]


def serving(world):
    """The workers (by index) that have closed an exchange."""
    journals = (world.folder / "state" / "accounts").rglob("*.jsonl")
    return {found.group(1) for path in journals if '"close"' in path.read_text() and (found := re.search(r"(w\d)\.", str(path)))}


def answered(gateway):
    """Answered exchanges, as /metrics tells."""
    text = gateway.get("/metrics")[1]
    counts = re.findall(r'^outgate_exchanges_total\{[^}]*outcome="answered"[^}]*\} ([0-9.]+)$', text, re.MULTILINE)
    return sum(map(float, counts))


def at_rest(gateway):
    """Both workers are ready under one policy, no request runs, and the gauges, told once a second, say so."""
    text = gateway.get("/metrics")[1]
    shown = ('outgate_workers{state="ready"} 2.0', "outgate_policy_refused 0.0", "outgate_exchanges_in_flight 0.0")
    return all(line in text for line in shown) and re.search(r"^outgate_policy_info\{.*\} 2\.0$", text, re.MULTILINE)


def children(pid):
    out = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout
    return [int(each) for each in out.split()]


def model_servers(gateway):
    out = subprocess.run(
        ["pgrep", "-P", str(gateway.process.pid), "-f", "outgate.model_server.process"], capture_output=True, text=True, check=False
    ).stdout
    return [int(each) for each in out.split()]


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_outgate_status_tells_how_the_gateway_is(pair):
    """The command itself, with a proxy in its environment that it must not ask."""
    ask(pair)
    command = [_OUTGATE, "status", "--admin", f"127.0.0.1:{pair.admin}"]
    env = pair.env | {"HTTP_PROXY": "http://127.0.0.1:9", "COLUMNS": "100"}
    assert pair.wait(lambda: at_rest(pair), 60), pair.get("/metrics")[1]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env)

    assert 0 == done.returncode, done.stderr
    assert "serves: 2 of 2 workers ready" in done.stdout
    assert re.search(r"policy +[0-9a-f]+ \(2 workers\)", done.stdout)
    assert re.search(r"clients +\d+ connections, 0 requests in flight", done.stdout)
    assert re.search(r"authority +valid until 20\d\d-\d\d-\d\d, \d+ days", done.stdout)
    assert re.search(r"^day@day +all +[\d,]+ +[\d,]+ +[\d,]+", done.stdout, re.MULTILINE)
    assert "refused" not in done.stdout
    put(pair.policy, "routes: 1")
    assert pair.wait(lambda: "outgate_policy_refused 2.0" in pair.get("/metrics")[1], 60)
    refused = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=env).stdout
    assert "the policy on disk is refused" in refused


def test_both_workers_serve_one_socket_and_one_dies_without_anybody_noticing_but_its_own_clients(pair, world, providers):
    with ThreadPoolExecutor(8) as pool:
        first = list(pool.map(lambda _: ask(pair), range(60)))
    assert first == [200] * 60
    assert pair.wait(lambda: serving(world) == {"w0", "w1"})
    before = answered(pair)
    assert before >= 60

    victim = pair.worker_pids()[0]
    with Load(pair, 1) as load:
        pair.wait(load.reached(5))
        os.kill(victim, signal.SIGKILL)
        assert pair.wait(lambda: pair.get("/readyz")[1].startswith("1 of 2 workers ready, worker "))
        assert pair.wait(lambda: pair.get("/readyz") == ALL_READY, 60)
        pair.wait(load.reached(10))

    broken = [each for each in load.results if each != 200]
    assert set(broken) <= {"RemoteProtocolError", "ReadError", "ConnectError", "ProxyError", "WriteError", "ReadTimeout"}
    assert len(broken) <= 3, broken
    assert len(pair.worker_pids()) == 2
    assert victim not in pair.worker_pids()
    told = before + load.results.count(200)
    ids = [line["id"] for line in lines(world)]
    assert len(ids) == len(set(ids))
    assert told <= answered(pair) <= told + len(broken)


def test_a_killed_workers_journal_is_folded_and_its_open_exchange_is_told_as_unknown(pair, world, providers):
    providers[0].script(stalled(chat_events(["half"], "gpt-4o-mini", (9, 5))[:1]))
    stream = openai_client(pair).chat.completions.create(**BODY, stream=True)
    next(iter(stream))
    for pid in pair.worker_pids():
        os.kill(pid, signal.SIGKILL)

    def unknown():
        return any("unknown" in path.read_text() for path in (world.folder / "state" / "accounts").rglob("*.jsonl"))

    assert pair.wait(unknown, 25)
    assert pair.wait(lambda: ask(pair) == 200, 60)


def test_R2_reloads_under_load_break_nothing_and_every_exchange_sees_one_policy(pair, world, providers):
    base = pair.policy.read_text()
    more = "window: day}}\n      - {{name: x{}, tokens: 1000000000, window: hour"
    worse = base.replace("passthrough: true", "passthrough: perhaps").replace("window: day", "window: fortnight")
    with Load(pair, threads=2) as load:
        for turn in range(50):
            put(pair.policy, base.replace("window: day", more.format(turn)))
            pair.process.send_signal(signal.SIGHUP)
            pair.wait(load.reached(1))

        before = len(pair.log)  # other tests of this gateway have policies refused too
        put(pair.policy, worse)
        pair.process.send_signal(signal.SIGHUP)
        assert pair.wait(lambda: any("is refused" in line for line in pair.log[before:]))
        pair.wait(load.reached(5))

    assert set(load.results) == {200}
    said = "\n".join(pair.log)
    assert "passthrough" in said, said
    assert "window" in said, said
    revisions = {line["outgate.policy.revision"] for line in lines(world) if line["outcome"] == "answered"}
    assert len(revisions) > 5
    assert all(re.fullmatch("[0-9a-f]{12}", revision) for revision in revisions)


def test_a_worker_that_dies_while_the_policy_on_disk_is_broken_takes_nobody_with_it(pair, world):
    good = pair.policy.read_text()
    put(pair.policy, good + "\nnonsense: [")
    os.kill(pair.worker_pids()[0], signal.SIGKILL)

    assert pair.wait(lambda: any("ended with 2" in line for line in pair.log), 60)
    assert pair.process.poll() is None
    assert ask(pair) == 200
    assert pair.get("/readyz")[1].startswith("1 of 2 workers ready, worker ")

    put(pair.policy, good)
    assert pair.wait(lambda: pair.get("/readyz") == ALL_READY, 60)


def test_no_model_server_is_started_for_a_policy_that_asks_none(pair):
    assert pair.get("/healthz") == (200, "ok\n")
    assert model_servers(pair) == []


def test_a_killed_model_server_is_restarted_and_redaction_denies_meanwhile(tmp_path, providers):
    world = World(tmp_path, *providers)
    said = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "call Dr. Adam Smith at 212-555-0175 about it"}]}

    def tell(gateway, word):
        body = json.loads(json.dumps(said).replace("about it", word))
        with http(gateway) as client:
            return client.post(URL, json=body)

    with world.gateway(world.policy(STAGES + "redact: {}\n")) as gateway:
        assert tell(gateway, "first").status_code == 200
        assert b"212-555-0175" not in providers[0].seen[-1].body
        seen, killed = len(providers[0].seen), model_servers(gateway)
        os.kill(killed[0], signal.SIGKILL)
        during = tell(gateway, "second")
        assert during.status_code == 200 or during.headers["x-outgate-reason"].startswith("stage_"), during.text
        assert all(b"212-555-0175" not in each.body for each in providers[0].seen[seen:])
        assert gateway.wait(lambda: model_servers(gateway) not in ([], killed), 10)
        assert gateway.wait(lambda: tell(gateway, str(time.monotonic())).status_code == 200, 60)
        assert all(b"212-555-0175" not in each.body for each in providers[0].seen)
        processes = [*model_servers(gateway), *gateway.worker_pids()]
        gateway.process.kill()
        assert gateway.wait(lambda: not any(alive(pid) for pid in processes), 10), "orphans"


def drained(pair, providers):
    """SIGTERM while six streams run: what they said in the end, and the exit code."""
    started, texts, released = threading.Barrier(7), [], threading.Event()
    for _ in range(6):
        providers[0].script(held(chat_events([f"word{i} " for i in range(12)], "gpt-4o-mini", None), released.is_set))

    def stream():
        parts = iter(openai_client(pair).chat.completions.create(**BODY, stream=True))
        text = [next(parts).choices[0].delta.content or ""]
        started.wait(20)
        text += [part.choices[0].delta.content or "" for part in parts if part.choices]
        texts.append("".join(text))

    threads = [threading.Thread(target=stream) for _ in range(6)]
    for thread in threads:
        thread.start()
    started.wait(20)
    port = pair.port
    pair.process.send_signal(signal.SIGTERM)

    def refused():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            return True
        return False

    assert pair.wait(refused)
    assert pair.process.poll() is None, "streams are still running"
    released.set()
    for thread in threads:
        thread.join(20)
    return texts, pair.process.wait(15)


def test_R1_a_drain_R3_a_restart_that_counts_on_and_a_killed_supervisor_without_orphans(tmp_path, providers):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(STAGES + BUDGET), workers=2) as pair:
        texts, code = drained(pair, providers)
        assert texts == ["".join(f"word{i} " for i in range(12))] * 6
        assert code == 0

        pair.start()
        assert [ask(pair) for _ in range(5)] == [200] * 5
        assert pair.wait(lambda: answered(pair) == 11.0), answered(pair)
        ids = [line["id"] for line in lines(world)]
        assert len(ids) == len(set(ids)) == 11

        family = children(pair.process.pid)
        assert len(family) == 2
        pair.process.kill()
        assert pair.wait(lambda: not any(alive(pid) for pid in family), 10), "orphans"


def test_a_full_disk_is_told_once_with_its_reason_and_readyz_says_so_until_it_is_over(tmp_path, providers):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(STAGES + BUDGET)) as gateway:
        assert ask(gateway) == 200
        worker = gateway.worker_pids()[0]
        soft, hard = resource.prlimit(worker, resource.RLIMIT_FSIZE)
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (0, hard))
        assert [ask(gateway) for _ in range(5)] == [503] * 5
        assert gateway.wait(lambda: gateway.get("/readyz")[0] == 503)
        assert "0 of 1 workers ready, accounts: File too large (" in gateway.get("/readyz")[1]

        resource.prlimit(worker, resource.RLIMIT_FSIZE, (soft, hard))
        assert gateway.wait(lambda: gateway.get("/readyz") == (200, "1 of 1 workers ready\n"), 10)
        assert ask(gateway) == 200
    assert 1 == sum("accounts: File too large" in line for line in gateway.log)
    assert 1 == sum("accounts: work again after" in line for line in gateway.log)
