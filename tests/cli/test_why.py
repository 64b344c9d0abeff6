"""`outgate why`: what is written of a request or a text, in words, and what is said where nothing is."""

import re

import orjson
import pytest
from click.testing import CliRunner

from outgate.cli.main import cli
from support.policies import write

DIGEST = "bcdfghjklmnpqrst"
MATCH = {
    "rule": "override.previous",
    "kind": "override",
    "count": 1,
    "channel": "tool_result",
    "action": "withheld",
    "text": DIGEST,
}
LINE = {
    "event": "close", "id": "req_00aa", "settle": [["day@day/workload=app", 0, 12, 30, 0]], "time": 1_767_225_600.0,
    "outgate.seconds": 0.25, "outcome": "answered", "http.response.status_code": 200, "outgate.workload": "app",
    "outgate.tenant": "t1", "outgate.route": "chat", "outgate.policy.revision": "abc", "server.address": "api.openai.com:443",
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
    "outgate.model.requested": "fast", "outgate.source": "upstream", "outgate.charged.input_tokens": 12,
    "outgate.charged.output_tokens": 3, "outgate.charged": "reported", "outgate.cost.usd": "0.00001",
    "outgate.attempts": [
        {"number": 1, "backend": "openai", "endpoint": "a", "failure": "connect_failed", "phase": "connect", "reason": "refused",
         "seconds": 0.1},
        {"number": 2, "backend": "openai", "endpoint": "b", "status": 200, "seconds": 0.1},
    ],
    "outgate.verdicts": {"prompt_guard": {"action": "withheld", "matches": [MATCH]}},
}  # fmt: skip
DENIED = LINE | {
    "id": "req_00bb", "time": 1_767_225_660.0, "outcome": "denied", "http.response.status_code": 400, "outgate.attempts": [],
    "outgate.denial.code": "prompt_refused", "outgate.denial.stage": "prompt_guard",
    "outgate.verdicts": {"prompt_guard": {"action": "denied", "matches": [MATCH | {"channel": "user", "action": "denied"}]}},
}  # fmt: skip

COUNTED = {
    "event": "close", "id": "req_00dd", "settle": [], "time": 1_767_225_660.0, "outcome": "denied", "client.address": "192.0.2.9",
    "outgate.refusals.like": "req_00ee", "outgate.refusals": 4_199, "outgate.denial.code": "proxy_authentication_required",
    "outgate.denial.cause": "no token", "presented.name": None,
}  # fmt: skip
REST = {"event": "close", "id": "req_00ff", "settle": [], "time": 1_767_225_660.0, "outcome": "denied", "outgate.refusals": 7}


@pytest.fixture(name="state")
def _state(tmp_path):
    accounts = tmp_path / "state" / "accounts"
    for path, lines in (
        ("journals/w0.a/00000001.jsonl", [LINE, LINE | {"id": "req_00cc"}]),
        ("audit/w1.b.00000001.jsonl", [DENIED, LINE, COUNTED, REST]),
    ):
        (accounts / path).parent.mkdir(parents=True)
        (accounts / path).write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines) + b'{"event":"close","id":"req_00')
    return tmp_path / "state"


def run(state, subject, *more):
    return CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["why", subject, "--state", str(state), *more])


def test_a_translated_request_tells_between_which_dialects_and_without_what(tmp_path):
    journal = tmp_path / "state" / "accounts" / "journals" / "w0.a"
    journal.mkdir(parents=True)
    translated = {"source": "anthropic", "target": "openai", "lost": ["cache_control", "context"]}
    (journal / "00000001.jsonl").write_bytes(orjson.dumps(LINE | {"outgate.translation": translated}) + b"\n")

    assert "dialects  from anthropic to openai, without cache_control, context" in run(tmp_path / "state", "req_00aa").output


def test_a_request_is_told_on_one_screen(state):
    told = run(state, "req_00aa")

    assert 0 == told.exit_code
    for word in (
        "answered with 200", "2026-01-01 00:00:00 UTC", "app, of tenant t1", "api.openai.com:443", "model fast",
        "gpt-4o-mini of openai", "chat, policy revision abc", "override.previous in tool_result", "withheld",
        f"outgate why {DIGEST}",
        "1: openai at a, connect_failed (connect: refused)", "2: openai at b, 200", "12 in, 3 out, reported", "0.00001 US dollars",
    ):  # fmt: skip
        assert word in told.output, told.output
    assert len(told.output.splitlines()) < 25


def test_a_failed_attempt_says_what_to_mend(state):
    refused = {"number": 1, "backend": "eu", "endpoint": "a", "failure": "unauthorized", "phase": "answer",
               "reason": "error_status", "seconds": 0.1, "credential": "gateway", "followed": "refreshed"}  # fmt: skip
    unknown = refused | {"failure": "tls_failed", "phase": "tls", "reason": "certificate_unknown_authority", "followed": "nowhere"}
    line = LINE | {"id": "req_00c3", "outgate.attempts": [refused, refused, unknown]}
    (state / "accounts/journals/w0.a/00000002.jsonl").write_bytes(orjson.dumps(line) + b"\n")
    told = run(state, "req_00c3").output

    assert 1 == told.count("to mend   the key that the provider refuses is `providers.eu.credential`")
    assert "to mend   name the file of the authority that signed its certificate: `providers.eu.tls.ca`" in told
    assert "then: no other attempt, there is no other place" in told


def test_a_cached_answer_says_which_tier_gave_it_and_how_near_it_was(state):
    looked_up = [
        {"tier": "exact", "result": "miss"},
        {"tier": "similar", "result": "hit", "age": 12.3, "similarity": 0.9571, "score": 0.998},
    ]
    line = LINE | {"id": "req_00c1", "outgate.source": "cache", "outgate.cache": looked_up}
    vetoed = LINE | {
        "id": "req_00c2",
        "outgate.cache": [{"tier": "similar", "result": "miss", "reason": "vetoed", "similarity": 0.98}],
    }
    (state / "accounts/journals/w0.a/00000002.jsonl").write_bytes(orjson.dumps(line) + b"\n" + orjson.dumps(vetoed) + b"\n")
    told = run(state, "req_00c1").output

    assert "answered from the cache" in told
    assert "exact: miss\n" in told
    assert "similar: hit, 12 s old, similarity 0.957, verifier 0.998" in told
    assert "similar: miss (vetoed), similarity 0.980" in run(state, "req_00c2").output


def test_a_refusal_names_the_code_and_the_stage(state):
    assert "prompt_refused by prompt_guard" in run(state, "req_00bb").output


def test_refusals_of_nobody_that_were_counted_are_told_with_their_number_and_their_first(state):
    told = run(state, "req_00dd").output

    assert "the last of 4199 like req_00ee, in one second" in told
    assert "nobody known, from 192.0.2.9" in told
    assert "None" not in told
    assert "the last of 7, of many kinds, in one second" in run(state, "req_00ff").output


def test_a_text_is_told_by_rule_and_channel_when_and_how_often(state):
    told = run(state, DIGEST).output

    assert f"{DIGEST}: a text in 3 requests" in told
    assert re.search(r"override.previous in tool_result: withheld.*\(2 requests\)", told)
    assert re.search(r"override.previous in user: refused \(1 request\)", told)
    assert "2026-01-01 00:00:00 UTC" in told and "2026-01-01 00:01:00 UTC, request req_00bb" in told


@pytest.mark.parametrize(
    ("subject", "code", "said"),
    [
        ("req_ffff", 1, "nothing is written of req_ffff"),
        ("tsrqpnmlkjhgfdcb", 1, "nothing is written of"),
        ("hello", 2, "neither a request id"),
        ("req_", 2, "neither a request id"),
        ("../../etc/passwd", 2, "neither a request id"),
    ],
)
def test_what_is_not_known_is_said(state, subject, code, said):
    told = run(state, subject)

    assert code == told.exit_code
    assert said in told.output


def test_a_state_folder_that_is_not_there_is_named(tmp_path):
    told = run(tmp_path / "elsewhere", "req_00aa")

    assert (1, True) == (told.exit_code, "--state" in told.output)


def test_a_look_up_tells_the_entry_and_what_refused_it(state):
    near = {"tier": "similar", "result": "miss", "similarity": 0.91, "entry": "req_00aa"}
    looked_up = [
        near | {"reason": "vetoed", "checks": ["negation", "number"]},
        near | {"reason": "below", "score": 0.9, "needed": 0.97},
    ]
    path = state / "accounts" / "audit" / "w2.c.00000001.jsonl"
    path.write_bytes(orjson.dumps(LINE | {"id": "req_00ac", "outgate.cache": looked_up}) + b"\n")
    shown = run(state, "req_00ac").output

    assert "similar: miss (vetoed: negation, number), similarity 0.910, stored by req_00aa" in shown
    assert "verifier 0.900, needed was 0.970, stored by req_00aa; outgate cache ls --request req_00aa" in shown


def test_a_routed_request_tells_what_decided(state):
    near = {"name": "coder", "topic": "bugs", "phrase": "my unit test fails", "similarity": 0.8123}
    routing = {"name": "coder", "method": "semantic", "rule": 2, "score": 0.91, "scores": {"coder": 0.99}, "nearest": [near]}
    path = state / "accounts" / "audit" / "w2.c.00000001.jsonl"
    path.write_bytes(orjson.dumps(LINE | {"id": "req_00ab", "outgate.routing": routing}) + b"\n")
    shown = run(state, "req_00ab").output

    assert "routed    to coder by semantic, rule 2, score 0.91, near 0.81 coder/bugs 'my unit test fails'" in shown
    assert "routed" not in run(state, "req_00aa").output


def test_a_refusal_names_the_provider_of_the_policy_and_never_all_of_them(state, tmp_path):
    refused = DENIED | {
        "id": "req_00a1", "outgate.denial.code": "not_authorized", "outgate.model.requested": "(hidden)",
        "url.path": "/v1/responses",
    }  # fmt: skip
    (state / "accounts/audit/w3.d.00000001.jsonl").write_bytes(orjson.dumps(refused) + b"\n")

    said = "{workloads: [app], providers: [%s], paths: [/v1/responses], models: [MODEL]}"
    assert said % "openai" in run(state, "req_00a1", "--policy", str(write(tmp_path))).output
    assert said % "PROVIDER" in run(state, "req_00a1", "--policy", str(tmp_path / "none.yaml")).output


def test_a_text_is_told_past_a_broken_line(state):
    broken = [LINE | {"outgate.verdicts": said} for said in ([DIGEST], {"g": DIGEST}, {"g": {"matches": [DIGEST]}})]
    (state / "accounts/audit/w3.d.00000001.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in broken))

    assert f"{DIGEST}: a text in 3 requests" in run(state, DIGEST).output
