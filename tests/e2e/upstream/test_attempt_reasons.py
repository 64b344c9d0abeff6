"""Failed attempts: an operator sees endpoint, phase and reason of each; the caller sees less, a log no more."""

import datetime as dt
import re
import socket
from contextlib import ExitStack

import pytest
import trustme

from e2e.world import PASSING_ALL, World, http, lines
from outgate.errors import FailureReason
from support import behaviours as b
from support.openai_answers import chat_events
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

NOW = dt.datetime.now(dt.UTC)
TIMEOUTS = "{connect: 0.5, tls: 0.3, head: 0.4, idle: 0.4, total: 3}"
UNTRUSTED = trustme.CA(organization_name="canary-organisation")


def servers(ca: trustme.CA, stack: ExitStack) -> dict[str, int]:
    """Ports of servers that fail, by the name of what is wrong with them."""
    leaves = {
        "expired": ca.issue_cert(
            "expired.test", "api.openai.com", not_before=NOW - dt.timedelta(days=9), not_after=NOW - dt.timedelta(days=1)
        ),
        "early": ca.issue_cert("early.test", not_before=NOW + dt.timedelta(days=1)),
        "misnamed": ca.issue_cert("canary-name.test"),
        "untrusted": UNTRUSTED.issue_cert("untrusted.test"),
    }
    ports = {name: stack.enter_context(ScriptedUpstream(f"{name}.test", ca=ca, leaf=leaf)).port for name, leaf in leaves.items()}
    ports["mute"] = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        ports["refusing"] = closed.getsockname()[1]
    return ports


def policy_for(world: World, ports: dict[str, int]):
    """One provider for each of the servers, one whose name has no address, one with an address that is not opened."""
    tls = f"tls: {{ca: {world.folder / 'upstream-ca.pem'}}}"
    one = "{name}:\n  host: {name}.test\n  endpoints: {endpoints}\n  {tls}\n  timeouts: {timeouts}\n  {more}\n"
    opened = "allow_addresses: [127.0.0.0/8]"
    where = {name: f'[{{name: first, address: "127.0.0.1:{port}"}}]' for name, port in ports.items()}
    where["both"] = (
        f'[{{name: old, address: "127.0.0.1:{ports["expired"]}"}}, {{name: new, address: "127.0.0.1:{world.openai.port}"}}]'
    )
    texts = [one.format(name=name, endpoints=at, tls=tls, timeouts=TIMEOUTS, more=opened) for name, at in where.items()]
    texts = [text.replace("tls: {", "tls: {sni: api.openai.com, ") if text.startswith("both") else text for text in texts]
    nowhere = "nowhere:\n  host: nowhere.invalid\n  endpoints: [{name: first, address: 'nowhere.invalid:443'}]\n"
    inside = "inside:\n  host: inside.test\n  endpoints: [{name: first, address: 'localhost:9'}]\n"
    policy = world.policy(
        stages=PASSING_ALL, providers="".join(texts) + nowhere + inside, routes="- {name: all, retry: {attempts: 2}}"
    )
    policy.write_text(policy.read_text().replace("credential: {env", f"timeouts: {TIMEOUTS}\n    credential: {{env"))
    return policy


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("reasons"), *providers)
    with ExitStack() as stack:
        ports = servers(providers[0].ca, stack)
        with world.gateway(policy_for(world, ports)) as gateway:
            gateway.world = world
            yield gateway


def attempts_of(gateway, host: str, *, stream: bool = False):
    """What the caller got, and the attempts as the closing line of its request tells them."""
    with http(gateway) as client:
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
        reply = client.post(f"https://{host}/v1/chat/completions", json=body)
    mine = reply.headers["x-outgate-request-id"]
    assert until(lambda: mine in [line["id"] for line in lines(gateway.world)])
    return reply, next(line["outgate.attempts"] for line in lines(gateway.world) if line["id"] == mine)


def why(attempts) -> list[tuple]:
    return [(each["endpoint"], each["phase"], each["reason"]) for each in attempts]


def not_resolved() -> str:
    """What this machine's resolver says of a name that cannot exist; without a network it cannot say that much."""
    with pytest.raises(socket.gaierror) as raised:
        socket.getaddrinfo("nowhere.invalid", None)
    return "name_not_found" if raised.value.errno in (socket.EAI_NONAME, socket.EAI_NODATA) else "failed"


@pytest.mark.parametrize(
    ("name", "phase", "reason"),
    [
        ("expired", "tls", "certificate_expired"),
        ("early", "tls", "certificate_not_yet_valid"),
        ("misnamed", "tls", "certificate_wrong_name"),
        ("untrusted", "tls", "certificate_unknown_authority"),
        ("mute", "tls", "timed_out"),
        ("refusing", "connect", "refused"),
        ("inside", "lookup", "address_not_allowed"),
    ],
)
def test_the_line_says_where_when_and_why(gateway, name, phase, reason):
    reply, attempts = attempts_of(gateway, f"{name}.test")

    assert reply.status_code in (502, 504)
    assert [("first", phase, reason)] == why(attempts)
    assert "certificate_" not in reply.text, "the inside of the gateway's network is the operator's to know"


def test_a_name_that_does_not_resolve(gateway):
    reply, attempts = attempts_of(gateway, "nowhere.invalid")

    assert "upstream_dns_failed" == reply.headers["x-outgate-reason"]
    assert [("first", "lookup", not_resolved())] == why(attempts)


def test_an_attempt_that_was_made_good_by_the_next_is_told_too(gateway):
    reply, attempts = attempts_of(gateway, "both.test")

    assert 200 == reply.status_code
    assert [("old", "tls", "certificate_expired"), ("new", None, None)] == why(attempts)


@pytest.mark.parametrize(
    ("behaviour", "stream", "phase", "reason"),
    [
        (b.silent(), False, "head", "timed_out"),
        (b.reset("before"), False, "head", "closed"),
        (b.garbage(b"canary not http\r\n\r\n"), False, "head", "malformed"),
        (b.refuse(503), False, "answer", "error_status"),
        (b.stalled(chat_events(["a", "b"])[:2]), True, "answer", "stopped"),
        (b.truncated(chat_events(["a", "b"])[:2]), True, "answer", "broken_off"),
        (b.sse([*chat_events(["a", "b"])[:2], b"data: {canary\n\n"], 0.05), True, "answer", "malformed"),
    ],
)
def test_phases_after_the_handshake(gateway, providers, behaviour, stream, phase, reason):
    providers[0].script(b.answer_json({}, 200, {"connection": "close"}), behaviour)
    attempts_of(gateway, "api.openai.com")  # no idle connection is left, whose loss would be another reason

    _, attempts = attempts_of(gateway, "api.openai.com", stream=stream)

    assert (phase, reason) == (attempts[0]["phase"], attempts[0]["reason"])


def test_no_certificate_and_no_answer_can_write_into_lines_or_metrics(gateway):
    for name in ("misnamed", "untrusted"):
        attempts_of(gateway, f"{name}.test")

    written = "".join(path.read_text() for path in (gateway.world.folder / "state" / "accounts").rglob("*.jsonl"))
    metrics = gateway.get("/metrics")[1]
    assert "canary" not in written + metrics
    assert 'failure="tls_failed",reason="tls.certificate_unknown_authority"' in metrics
    told = {
        f"{each['phase']}.{each['reason']}" for line in lines(gateway.world) for each in line["outgate.attempts"] if each["phase"]
    }
    assert told <= set(FailureReason)
    assert set(re.findall(r'reason="([^"]+)"', metrics)) <= set(FailureReason) | {""}
