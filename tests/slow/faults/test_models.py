"""The real model server, with its packaged models: killed, stopped and out of memory under load of every guard that asks it.

Each request ends within the limits of its guards and a second, as 200 or 503 and nothing else; a process that is gone or silent is
replaced and counted; one without memory lives on, and judges again once there is some. Then the next request is judged.
"""

import os
import resource
import signal
import time
from contextlib import suppress

import pytest
import trustme

from e2e.server.test_workers import model_servers
from e2e.world import STAGES, World, http
from support.scripted_upstream import ScriptedUpstream

URL = "https://api.openai.com/v1/chat/completions"
LIMIT = 4.0
POLICY = f"""{STAGES}
admit_parts: {{}}
prompt_guard: {{limit: {LIMIT}, classifier: {{limit: {LIMIT}}}}}
tool_result_guard: {{limit: {LIMIT}}}
secret_guard: {{limit: {LIMIT}}}
redact: {{limit: {LIMIT}, entities: [EMAIL_ADDRESS, PERSON]}}
"""
READY = (200, "1 of 1 workers ready\n")
STAGES_ASKING = 4


def out_of_memory(process):
    resource.prlimit(process, resource.RLIMIT_AS, (1, resource.RLIM_INFINITY))


def recovered(process):
    with suppress(ProcessLookupError):  # it may have ended, and been replaced
        resource.prlimit(process, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


FAULTS = {
    "killed": lambda process: os.kill(process, signal.SIGKILL),
    "stopped": lambda process: os.kill(process, signal.SIGSTOP),
    "out of memory": out_of_memory,
}


@pytest.fixture(name="stood", scope="module")
def _stood(tmp_path_factory):
    ca = trustme.CA()
    with ScriptedUpstream("api.openai.com", ca=ca) as openai, ScriptedUpstream("api.anthropic.com", ca=ca) as anthropic:
        world = World(tmp_path_factory.mktemp("models"), openai, anthropic)
        with world.gateway(world.policy(POLICY)) as gateway:
            assert gateway.wait(lambda: gateway.get("/readyz") == READY, 60)
            yield openai, gateway


def ask(gateway, number):
    said = f"Jane Miller {number} writes to jane{number}@example.com that ghp_{number:036d} is new. " * 200
    began = time.monotonic()
    with http(gateway) as client:
        reply = client.post(URL, json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": said}]}, timeout=60)
    return reply.status_code, time.monotonic() - began


def restarts(gateway):
    lines = gateway.get("/metrics")[1].splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("outgate_model_server_restarts_total{"))


@pytest.mark.parametrize("fault", FAULTS)
def test_f1_a_fault_of_the_model_server_is_refused_in_time_and_it_is_replaced(stood, fault, record_property):
    openai, gateway = stood
    (process,), before = model_servers(gateway), restarts(gateway)
    numbers = iter(range(len(fault) * 1000, len(fault) * 1000 + 100))
    FAULTS[fault](process)
    openai.seen.clear()
    asked = [ask(gateway, next(numbers)) for _ in range(3)]
    passed = sum(status == 200 for status, _ in asked)
    if fault == "out of memory":
        recovered(process)
    else:
        assert gateway.wait(lambda: model_servers(gateway) not in ([], [process]), 60)
        assert before < restarts(gateway)
    assert gateway.wait(lambda: gateway.get("/readyz") == READY, 60)

    assert {status for status, _ in asked} <= {200, 503}
    assert fault == "out of memory" or 503 in {status for status, _ in asked}, "with little memory a short question may be answered"
    assert max(took for _, took in asked) < LIMIT * STAGES_ASKING + 1
    assert passed == len(openai.seen)
    assert gateway.wait(lambda: ask(gateway, next(numbers))[0] == 200, 60)
    assert b"jane" not in b"".join(seen.body for seen in openai.seen)
    assert "outgate_model_server_up 1.0" in gateway.get("/metrics")[1]
    record_property("slowest refusal, s", f"{max((took for status, took in asked if status == 503), default=0):.1f}")
