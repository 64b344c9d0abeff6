"""Processes that stop answering are found and replaced; one workload's flood of text to judge does not hold up another's."""

import os
import signal
import threading
import time

import pytest

from e2e.load import URL, ask
from e2e.server.test_workers import ALL_READY, model_servers
from e2e.world import OTHER_TOKEN, STAGES, World, http


def told(gateway, words, workload="app", **token):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": words}]}
    with http(gateway, workload=workload, **token) as client:
        return client.post(URL, json=body, timeout=60)


@pytest.fixture(name="redacting", scope="module")
def _redacting(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("liveness"), *providers)
    with world.gateway(world.policy(STAGES + "redact: {}\n"), workers=2) as gateway:
        assert gateway.wait(lambda: gateway.get("/readyz") == ALL_READY, 60)
        yield gateway


def test_a_stopped_model_server_is_found_and_replaced_and_readyz_says_so_meanwhile(redacting):
    assert told(redacting, "mail jane@example.com").status_code == 200
    stopped, before = model_servers(redacting), len(redacting.log)
    os.kill(stopped[0], signal.SIGSTOP)

    assert redacting.wait(lambda: redacting.get("/readyz")[1].endswith("model server down\n"), 20)
    assert redacting.wait(lambda: model_servers(redacting) not in ([], stopped), 20)
    assert redacting.wait(lambda: redacting.get("/readyz") == ALL_READY, 60)
    assert told(redacting, "mail john@example.com").status_code == 200
    said = "\n".join(list(redacting.log)[before:])
    assert "model server does not answer, restarting; requests that need it are refused" in said
    assert "model server is back after" in said.partition("does not answer")[2]


def test_an_outage_is_told_once_and_not_for_each_request(redacting):
    before = len(redacting.log)
    os.kill(model_servers(redacting)[0], signal.SIGKILL)
    refused = [told(redacting, f"mail jane{number}@example.com").status_code for number in range(10)]
    assert redacting.wait(lambda: redacting.get("/readyz") == ALL_READY, 60)

    assert set(refused) <= {200, 503}
    said = list(redacting.log)[before:]
    assert 1 == sum("model server ended with -9, restarting; requests that need it are refused" in line for line in said), said
    assert not [line for line in said if "ModelServer" in line]


def test_a_stopped_worker_is_found_and_replaced_and_readyz_says_so_meanwhile(redacting):
    stopped = redacting.worker_pids()[0]
    os.kill(stopped, signal.SIGSTOP)

    assert redacting.wait(lambda: redacting.get("/readyz")[1].startswith("1 of 2 workers ready"), 20)
    assert redacting.wait(lambda: stopped not in redacting.worker_pids(), 30)
    assert redacting.wait(lambda: redacting.get("/readyz") == ALL_READY, 60)
    assert ask(redacting) == 200


def test_a_flood_of_text_to_judge_does_not_hold_up_another_workload(redacting):
    """24 clients of one workload send digits; one-line mails of another are served, and none of its own is lost."""
    over = threading.Event()
    own, lines = [], []

    def flood(number):
        at = 0
        while not over.is_set():
            at += 1
            rows = (f"+49 30 {number:03d}{at % 1000:03d}{row:03d}" for row in range(1_500))
            own.append(told(redacting, "\n".join(rows)).status_code)

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for number in range(8):
        start = time.monotonic()
        status = told(redacting, f"mail user{number}@example.com", workload="other", token=OTHER_TOKEN).status_code
        lines.append((status, time.monotonic() - start))
    over.set()
    for thread in threads:
        thread.join(120)

    assert {200} == {status for status, _ in lines}, lines
    assert sorted(seconds for _, seconds in lines)[4] < 5, lines
