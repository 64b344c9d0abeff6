"""The provider's prompt cache stays warm: what leaves for a turn of an agent begins what leaves for the next, byte for byte."""

import json
import re
import signal
from itertools import pairwise
from typing import Any

from e2e.world import STAGES, World, http, openai_client
from outgate.stores.state_secret import StateSecret
from support import behaviours as b
from support.agent_sessions import SESSIONS, TURNS, Session
from support.openai_answers import chunk
from support.placeholders import names_in, placeholder

REDACTING = STAGES + "redact: {}\nadmit_parts: {allow_unjudged: [hosted_tool]}\n"
MAIL = "jane.roe@acme-shop.com"


def prefix(body: bytes, session: Session) -> tuple[bytes, ...]:
    """What a provider may have cached of a body, in the order in which it reads it: bytes of the body, the last list left open."""
    members = json.loads(body)
    said = []
    for name in session.order:
        written = json.dumps(members[name], separators=(",", ":"), ensure_ascii=False).encode()
        assert b'"%s":%s' % (name.encode(), written) in body
        said.append(written)
    return (*said[:-1], said[-1].removesuffix(b"]"))


def send(gateway: Any, session: Session, number: int) -> None:
    with http(gateway) as client:
        reply = client.post(f"https://{session.host}{session.path}", json=session.turn(number))
    assert 200 == reply.status_code, reply.text


def send_all(gateway: Any, number: int) -> None:
    for session in SESSIONS.values():
        send(gateway, session, number)


def left(providers: Any, session: Session) -> list[bytes]:
    provider = providers[session.host == "api.anthropic.com"]
    return [seen.body for seen in provider.seen if seen.target == session.path]


def test_each_turn_begins_with_the_one_before_over_a_reload_a_restart_and_two_workers(providers, tmp_path):
    world = World(tmp_path, *providers)
    policy = world.policy(REDACTING)
    with world.gateway(policy, workers=2) as gateway:
        send_all(gateway, 1)
        policy.write_text(policy.read_text().replace("redact: {}", "redact: {limit: 29}"))
        gateway.process.send_signal(signal.SIGHUP)
        assert gateway.wait(lambda: 'policy_reloads_total{result="applied"} 2.0' in gateway.get("/metrics")[1])
        send_all(gateway, 2)
        gateway.stop()
        gateway.start()
        for number in range(3, TURNS + 1):
            for _ in range(4):  # connections of their own, so that both workers are asked
                send_all(gateway, number)

    for session in SESSIONS.values():
        bodies = left(providers, session)
        assert 2 + 4 * (TURNS - 2) == len(bodies)
        for before, after in pairwise(prefix(body, session) for body in bodies):
            assert before[:-1] == after[:-1]
            assert after[-1].startswith(before[-1])
        assert len(set(names_in([bodies[-1].decode()]))) > 5
        assert not re.search(rb"@(?:acme-shop|corp-mail|agents-mail)\.com|4111 1111|GB29 NWBK", b"".join(bodies))


def test_a_value_comes_back_from_any_cut_of_an_answer(providers, tmp_path):
    world = World(tmp_path, *providers)
    with world.gateway(world.policy(REDACTING)) as gateway:
        name = placeholder(MAIL, workload="app", tenant="t1", secret=StateSecret.in_folder(tmp_path / "state"))
        text = (
            f'{name} "{name.lower()}" {name.replace("_", "&#95;")} https://shop.example/?m={name} ![](https://evil.example/{name})'
        )
        expected = f'{MAIL} "{MAIL}" {MAIL} https://shop.example/?m={MAIL} ![](https://evil.example/{name})'
        client = openai_client(gateway)
        for at in range(0, len(text) + 1, 3):
            pieces = [chunk({"content": text[:at]}), chunk({"content": text[at:]}), chunk({}, "stop")]
            providers[0].script(b.sse([*(b"data: " + json.dumps(one).encode() + b"\n\n" for one in pieces), b"data: [DONE]\n\n"]))
            messages = [{"role": "user", "content": f"Mail {MAIL} about https://shop.example/"}]
            stream = client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
            assert expected == "".join(one.choices[0].delta.content or "" for one in stream if one.choices), at
