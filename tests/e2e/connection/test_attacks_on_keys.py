"""KeyUpdates of TLS 1.3 (RFC 8446 section 4.6.3), in the middle of whatever is going on, and many more than anybody needs.

OpenSSL answers every one that asks for it. The answers must leave, or they would pile up between it and the client's socket, where
no limit counts them; and they must not leave faster than the client reads.
"""

import os
import socket
import threading
from pathlib import Path

import pytest

from e2e.load import ask
from e2e.world import TOKEN
from support.behaviours import held
from support.key_updates import KeyUpdates
from support.openai_answers import chat_events
from support.raw_client import basic, request
from support.waiting import PATIENCE, until

NAME = "api.openai.com"
BODY = b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}'
ASK = request("POST", "/v1/chat/completions", host=NAME, body=BODY)
STREAM = request("POST", "/v1/chat/completions", host=NAME, body=BODY[:-1] + b',"stream":true}')
ANSWER, END = b"HTTP/1.1 200", b"data: [DONE]\n\n\r\n0\r\n\r\n"
MANY = 50_000
UPDATE = 27
"""Bytes of a record that holds one."""


@pytest.fixture(name="client")
def _client(shared, tmp_path):
    """A client in a tunnel, with keys of its own making."""
    _, gateway = shared
    with socket.socket() as link:
        for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            link.setsockopt(socket.SOL_SOCKET, buffer, 65536)
        link.settimeout(PATIENCE)
        link.connect(("127.0.0.1", gateway.port))
        link.sendall(request("CONNECT", f"{NAME}:443", host=f"{NAME}:443", fields=[basic(TOKEN)]))
        assert b" 200 " in link.recv(4096)
        yield KeyUpdates(link, gateway.ca, NAME, tmp_path)


@pytest.mark.parametrize("requested", [True, False])
def test_new_keys_in_the_middle_of_a_stream_break_neither_direction(client, providers, requested):
    go_on = threading.Event()
    providers[0].script(held(chat_events(["Hel", "lo ", "there"]), go_on.is_set))
    client.say(client.record(STREAM))
    assert client.hear(ANSWER)
    client.say(client.updates(3, requested=requested))
    go_on.set()
    assert client.hear(END), client.heard

    client.say(client.record(ASK[:40]), client.updates(2, requested=requested), client.record(ASK[40:]))

    assert client.hear(ANSWER, 2), client.heard
    assert len(providers[0].seen) == 2


def spent(pid: int) -> tuple[float, float]:
    """Seconds of CPU time and MB of memory of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.parametrize("served", [False, True], ids=["before the first request", "after it"])
def test_attack_answers_to_new_keys_do_not_wait_for_another_answer(client, served):
    if served:
        client.say(client.record(ASK))
        assert client.hear(ANSWER)
    client.received = 0
    client.say(client.updates(500))

    client.receive(500 * UPDATE - 1024)  # or it times out


@pytest.mark.exhaustive
@pytest.mark.slow
def test_attack_a_hundred_thousand_new_keys_cost_little_and_make_nothing_grow(client, shared, providers):
    """Half of them before the first request, half after it: the ways that they take through the gateway differ."""
    _, gateway = shared
    [worker] = gateway.worker_pids()
    assert ask(gateway) == 200
    seconds, memory = spent(worker)
    for turn in (1, 2):
        flood = client.updates(MANY)
        sender = threading.Thread(target=client.say, args=(flood, client.record(ASK)))
        sender.start()
        assert ask(gateway) == 200, "others are served meanwhile"
        assert client.hear(ANSWER, turn), client.heard
        sender.join()
    took, grown = (now - before for now, before in zip(spent(worker), (seconds, memory), strict=True))

    assert took < 2 * MANY * 100e-6, "seconds: a small request costs more than a KeyUpdate may"
    assert grown < 16


@pytest.mark.exhaustive
@pytest.mark.slow
def test_attack_a_client_that_asks_for_new_keys_and_never_reads_the_answers_is_no_longer_heard(client, shared):
    """What it sends stays in its own buffers: the gateway stops reading where it cannot write."""
    _, gateway = shared
    client.say(client.record(ASK))
    assert client.hear(ANSWER)
    [worker] = gateway.worker_pids()
    memory = spent(worker)[1]
    client.link.settimeout(3)  # a machine so slow that it is too short would only make less of the attack
    assert until(lambda: stuck(client))

    assert spent(worker)[1] - memory < 16
    assert ask(gateway) == 200


def stuck(client) -> bool:
    """Whether the gateway takes no more; else more is sent."""
    try:
        client.say(client.updates(2_000))
    except TimeoutError:
        return True
    return False
