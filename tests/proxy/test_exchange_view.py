"""The content view: made of plain values, so that a saved flow shows what the living one did."""

from types import SimpleNamespace

import orjson
from mitmproxy import contentviews
from mitmproxy.test import tflow

from outgate.errors import Denial
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.pipeline.executor import Ran
from outgate.proxy.exchange_view import ExchangeView, record, record_refused
from outgate.proxy.layers import refusal
from support.endings import ended
from support.metered import metered

GUARD = Verdict(action=Action.DENIED, matches=(Match("override.previous", "override"),), scanned=(Extent("user", 1, 9),))
SENT = {
    "method": "POST",
    "path": "/v1/chat/completions",
    "address": "127.0.0.1:443",
    "host": "api.openai.com",
    "sni": "api.openai.com",
    "fields": [],
    "credential": "gateway",
    "body": b"{}",
}
PARTS = Verdict(unjudged=(Extent("image", 1, bytes=53),))


def _shown(tmp_path, sent=(), **facts):
    found = metered(tmp_path, ended(**facts))
    line = SimpleNamespace(record=orjson.dumps(found.lines[0]))
    execution = SimpleNamespace(trace=[Ran("embed", 9000, "ok", 8000), Ran("prompt_guard", 2000, "denied")], get={"line": line}.get)
    denial = Denial(code="prompt_refused", status=403, message="No.", stage="prompt_guard")
    exchange = SimpleNamespace(id="req_1", outcome="denied", denial=denial, execution=execution)
    flow = tflow.tflow()
    record(flow, exchange, dict(sent))
    return ExchangeView().prettify(b"", contentviews.Metadata(flow=flow))


def test_a_guard_says_what_it_found_where_it_stands_in_the_path(tmp_path):
    text = _shown(tmp_path, verdicts={"prompt_guard": GUARD, "parts": PARTS})

    assert "  Denied for agent by prompt_guard after 1 attempt: No. (prompt_refused)" in text.splitlines()
    (line,) = [line for line in text.splitlines() if line.startswith("    prompt_guard ")]
    assert line.endswith("denied prompt_refused: override.previous")


def test_what_a_stage_ran_beside_others_is_told(tmp_path):
    lines = _shown(tmp_path).splitlines()

    (line,) = [line for line in lines if line.startswith("    embed ")]
    assert line.split()[1:3] == ["9", "µs"]
    assert line.endswith("(8 beside others)")


def test_no_line_is_wider_than_a_page(tmp_path):
    sent = {**SENT, "fields": [["user-agent", "x" * 500]]}

    assert all(len(line) <= 80 for line in _shown(tmp_path, sent=sent.items()).splitlines())


def test_a_body_that_is_as_it_was_sent_is_not_repeated(tmp_path):
    same = {**SENT, "body": tflow.tflow().request.content}

    assert f"  body: {len(same['body'])} bytes, as its client sent it" in _shown(tmp_path, sent=same.items()).splitlines()


def test_attack_a_body_of_many_lines_is_not_compared(tmp_path):
    sent = {**SENT, "body": orjson.dumps(list(range(10_000)))}

    assert "  too long to be compared here" in _shown(tmp_path, sent=sent.items()).splitlines()


def test_a_flow_without_an_exchange_says_so():
    assert "no exchange\n" == ExchangeView().prettify(b"", contentviews.Metadata(flow=tflow.tflow()))


def test_a_refused_tunnel_is_told_from_its_answer():
    denial = Denial(code="not_authenticated", status=407, message="No workload has this name and token.")
    flow = tflow.tflow()
    flow.response = refusal(denial, "req_1", close=True)
    record_refused(flow)

    assert "DENIED CONNECT: not_authenticated" == flow.comment
    assert "No workload has this name and token." in ExchangeView().prettify(b"", contentviews.Metadata(flow=flow))
