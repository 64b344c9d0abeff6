"""A guard over HTTP through the whole gateway: what it says is done, and whatever its service does, no byte passes unjudged.

F1: each fault of the service ends in the declared failure mode, within the guard's limit: 503 in the caller's dialect, or, where
the policy says `open`, the request goes on and the closing line says that nothing was read.
"""

import json
import socket
import time

import pytest
import trustme

from e2e.world import OTHER_TOKEN, STAGES, World, http, lines
from outgate.metering.words import request_in_words
from support import behaviours as b
from support.scripted_upstream import ScriptedUpstream
from support.waiting import until

URL = "https://api.openai.com/v1/chat/completions"
LIMIT = 1.0
GUARD_KEY = "guard-canary-91f1c0ffee5e11ab"
MARK = "zebra"
SERVICES = ("desk", "refusing", "mute", "misnamed", "untrusted", "nowhere")


def judging(**members):
    """A webhook that denies what holds the mark, says `flag` to another word, and allows the rest."""

    async def behave(call):
        asked = json.loads(call.seen.body)
        said = [("deny" if MARK in each["text"] else "flag" if "giraffe" in each["text"] else "allow") for each in asked["texts"]]
        await call.answer_json({"verdicts": [{"verdict": verdict, **members} for verdict in said]})

    return behave


def provider(name, port, ca):
    return f"""
    {name}:
      host: {name}.{"invalid" if name == "nowhere" else "test"}
      dialect: none
      tls: {{ca: {ca}}}
      allow_addresses: [127.0.0.0/8]
      credential: {{file: {ca.with_name("guard-token")}, header: authorization, prefix: "Bearer "}}
    """ + (f'  endpoints: [{{address: "127.0.0.1:{port}"}}]\n' if port else "")


def route(name, mode):
    return f"""
    - name: {name}-{mode}
      match: {{models: ["{name}*"], workloads: [{"app" if mode == "deny" else "other"}]}}
      stages:
        external_guard: {{provider: {name}, on_error: {mode}}}
    """


@pytest.fixture(name="desk", scope="module")
def _desk(providers):
    with ScriptedUpstream("desk.test", ca=providers[0].ca, otherwise=judging()) as desk:
        yield desk


@pytest.fixture(name="stood", scope="module")
def _stood(providers, desk, tmp_path_factory):
    """A world with a gateway in which every service has a route for each failure mode."""
    world = World(tmp_path_factory.mktemp("external"), *providers)
    refusing = socket.create_server(("127.0.0.1", 0))
    closed = refusing.getsockname()[1]
    refusing.close()
    ca = world.folder / "upstream-ca.pem"
    (world.folder / "guard-token").write_text(GUARD_KEY)
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        ScriptedUpstream("else.test", ca=providers[0].ca) as misnamed,
        ScriptedUpstream("untrusted.test", ca=trustme.CA()) as untrusted,
    ):
        ports = dict(zip(SERVICES, (desk.port, closed, mute.getsockname()[1], misnamed.port, untrusted.port, 0), strict=True))
        guard = f"redact: {{}}\nexternal_guard: {{limit: {LIMIT}, circuit: {{failures: 1000}}, price: 0.5, provider: desk}}\n"
        policy = world.policy(
            stages=STAGES + guard,
            providers="".join(provider(name, port, ca) for name, port in ports.items()),
            routes="".join(route(name, mode) for name in SERVICES for mode in ("deny", "open")),
        )
        with world.gateway(policy) as gateway:
            yield world, gateway


@pytest.fixture(autouse=True)
def _forget(desk):
    desk.forget()
    desk.seen.clear()


def ask(stood, text, *, model="desk", workload="app", more=()):
    gateway = stood[1]
    who = {} if workload == "app" else {"token": OTHER_TOKEN, "workload": workload}
    with http(gateway, **who) as client:
        messages = [*more, {"role": "user", "content": text}]
        return client.post(URL, json={"model": f"{model}-1", "messages": messages})


def line_of(stood, reply):
    number = reply.headers["x-outgate-request-id"]
    assert until(lambda: any(line["id"] == number for line in lines(stood[0])))
    return next(line for line in lines(stood[0]) if line["id"] == number)


def test_what_it_denies_is_refused_and_what_it_allows_passes(stood, desk, providers):
    assert 200 == ask(stood, "a lion").status_code
    refused = ask(stood, f"a {MARK}")

    assert (400, "prompt_refused") == (refused.status_code, refused.json()["error"]["code"])
    assert "webhook.deny" in refused.json()["error"]["message"]
    assert 1 == len(providers[0].seen)
    asked = json.loads(desk.seen[0].body)
    assert (("app", "desk-1"), [{"text": "a lion", "channel": "user"}]) == ((asked["workload"], asked["model"]), asked["texts"])
    assert f"Bearer {GUARD_KEY}" == desk.seen[0].header("authorization")
    assert "desk.test" == desk.seen[0].sni


def test_only_new_text_is_sent_and_only_cleared_text(stood, desk):
    ask(stood, "Write to ann.lee@example.org about the first matter")
    ask(stood, "and the second matter", more=[{"role": "user", "content": "Write to ann.lee@example.org about the first matter"}])
    sent = [[each["text"] for each in json.loads(seen.body)["texts"]] for seen in desk.seen]

    assert 2 == len(sent)
    assert ["and the second matter"] == sent[1]
    assert "ann.lee@example.org" not in str(sent)
    assert "EMAIL" in sent[0][0]


def test_a_flag_is_written_down_with_what_was_read(stood):
    reply = ask(stood, "a giraffe")
    verdict = line_of(stood, reply)["outgate.verdicts"]["external_guard"]

    assert 200 == reply.status_code
    assert ("flagged", "webhook.flag", "user") == (
        verdict["action"],
        verdict["matches"][0]["rule"],
        verdict["matches"][0]["channel"],
    )
    assert [{"kind": "user", "count": 1, "characters": 9}] == verdict["scanned"]


def test_what_guards_spent_stands_apart_from_inference(stood):
    reply = ask(stood, "an antelope of bob.ray@example.org")
    line = line_of(stood, reply)
    spent = line["outgate.spent"]

    assert {"redact", "external_guard"} == set(spent)
    assert (1, 1, "0.5") == (
        spent["external_guard"]["asked"],
        spent["external_guard"]["texts"],
        spent["external_guard"]["cost.usd"],
    )
    assert (1, 34) == (spent["redact"]["asked"], spent["redact"]["characters"])
    assert all(each["ms"] > 0 for each in spent.values())
    assert "0.5" != line["outgate.cost.usd"]
    assert "antelope" not in json.dumps(line)


def test_what_is_remembered_costs_nothing(stood):
    ask(stood, "an armadillo")

    assert "outgate.spent" not in line_of(stood, ask(stood, "an armadillo"))


ALLOW = b'{"verdicts":[{"verdict":"allow"}]}'
FAULTS = {
    "silent": b.silent(),
    "slow trickle": b.trickle(ALLOW, pace=0.2),
    "reset before the head": b.reset("before"),
    "reset in the head": b.reset("headers"),
    "reset in the body": b.reset("body"),
    "closed early": b.truncated(),
    "half closed": b.half_close([b'{"verdicts":']),
    "no http": b.garbage(),
    "a huge head": b.huge_headers(),
    "a huge body": b.answer_bytes(b'{"verdicts":[{"verdict":"allow","pad":"' + b"x" * (2 << 20) + b'"}]}'),
    "an endless body": b.endless(b"x" * 65536),
    "a stalled body": b.stalled([ALLOW]),
    "a redirect": b.redirect("https://api.openai.com/v1/models"),
    "a permanent redirect": b.redirect("http://169.254.169.254/", 308),
    "no content": b.answer_bytes(b"", status=204),
    "created": b.answer_bytes(ALLOW, status=201),
    "bad request": b.refuse(400),
    "unauthorized": b.refuse(401),
    "not found": b.refuse(404),
    "too many": b.refuse(429, retry_after="60"),
    "server error": b.refuse(500),
    "unavailable": b.refuse(503),
    "html": b.answer_bytes(b"<html>ok</html>", "text/html"),
    "an empty body": b.answer_bytes(b""),
    "a list": b.answer_json([{"verdict": "allow"}]),
    "null": b.answer_bytes(b"null"),
    "no verdicts": b.answer_json({"ok": True}),
    "no verdict for the text": b.answer_json({"verdicts": []}),
    "too many verdicts": b.answer_json({"verdicts": [{"verdict": "allow"}] * 2}),
    "a verdict that is no object": b.answer_json({"verdicts": ["allow"]}),
    "a verdict in capitals": b.answer_json({"verdicts": [{"verdict": "ALLOW"}]}),
    "a verdict that is a flag": b.answer_json({"verdicts": [{"verdict": True}]}),
    "a span outside": b.answer_json({"verdicts": [{"verdict": "allow", "spans": [{"start": 0, "end": 9999}]}]}),
    "a reason that is a number": b.answer_json({"verdicts": [{"verdict": "allow", "reason": 7}]}),
    "deep nesting": b.answer_bytes(b'{"verdicts":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
    "not a number": b.answer_bytes(b'{"verdicts":[{"verdict":"allow","spans":[{"start":NaN,"end":1}]}]}'),
    "compressed garbage": b.answer_bytes(b"\x1f\x8b\x08 not gzip"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_f1_a_fault_of_the_service_is_refused_in_time(stood, desk, providers, fault):
    desk.script(*[FAULTS[fault]] * 2)
    began = time.monotonic()
    reply = ask(stood, f"about {fault}, denied")
    took = time.monotonic() - began

    assert 503 == reply.status_code, reply.text
    assert reply.json()["error"]["code"] in ("stage_failed", "stage_timeout")
    assert took < LIMIT + 2
    assert [] == providers[0].seen
    assert "failed" == line_of(stood, reply)["outgate.verdicts"]["external_guard"]["action"]


@pytest.mark.parametrize("fault", FAULTS)
def test_f1_a_fault_of_the_service_lets_pass_where_the_policy_says_so(stood, desk, providers, fault):
    desk.script(*[FAULTS[fault]] * 2)
    reply = ask(stood, f"about {fault}, open", workload="other")
    verdict = line_of(stood, reply)["outgate.verdicts"]["external_guard"]

    assert 200 == reply.status_code, reply.text
    assert 1 == len(providers[0].seen)
    assert ("failed", None) == (verdict["action"], verdict.get("scanned"))
    assert 1 == verdict["unjudged"][0]["count"]


@pytest.mark.parametrize("service", SERVICES[1:])
@pytest.mark.parametrize("workload", ["app", "other"])
def test_f1_a_service_that_cannot_be_reached_or_trusted_gets_nothing(stood, providers, service, workload):
    began = time.monotonic()
    reply = ask(stood, f"hello {workload}", model=service, workload=workload)

    assert (503 if workload == "app" else 200) == reply.status_code, reply.text
    assert time.monotonic() - began < LIMIT + 2
    assert (workload == "other") == bool(providers[0].seen)


def test_an_answer_that_comes_after_a_fault_is_taken(stood, desk):
    desk.script(b.refuse(500))

    assert [503, 200] == [ask(stood, "once more").status_code for _ in range(2)]


REASONS = {
    "no answer in time": b.silent(),
    "status 500": b.refuse(500),
    "no JSON object": b.answer_bytes(b"<html>ok</html>", "text/html"),
    "an answer of another shape": b.answer_json({"ok": True}),
}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("workload", ["app", "other"])
def test_operators_read_why_it_failed(stood, desk, reason, workload):
    desk.script(*[REASONS[reason]] * 2)
    line = line_of(stood, ask(stood, f"why {reason} {workload}", workload=workload))
    told = "\n".join(request_in_words(line, ()))

    assert reason == line["outgate.verdicts"]["external_guard"]["reason"]
    assert f"external_guard failed ({reason})" in told
    assert (reason if workload == "app" else None) == line.get("outgate.denial.cause")
    assert until(lambda: any(f"({reason})" in each for each in stood[1].log))
