"""The content view: made of plain values, so that a saved flow shows what the living one did."""

from types import SimpleNamespace

import orjson
from mitmproxy import contentviews
from mitmproxy.test import tflow

from outgate.errors import Denial
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.pipeline.executor import Ran
from outgate.proxy.observed import ExchangeView, record
from support.endings import ended
from support.metered import metered

GUARD = Verdict(action=Action.DENIED, matches=(Match("override.previous", "override"),), scanned=(Extent("user", 1, 9),))
PARTS = Verdict(unjudged=(Extent("image", 1, bytes=53),))


def _shown(tmp_path, **facts):
    found = metered(tmp_path, ended(**facts))
    line = SimpleNamespace(record=orjson.dumps(found.lines[0]))
    execution = SimpleNamespace(trace=[Ran("embed", 9000, "ok", 8000), Ran("prompt_guard", 2000, "denied")], get={"line": line}.get)
    denial = Denial(code="prompt_refused", status=403, message="No.", stage="prompt_guard")
    exchange = SimpleNamespace(id="req_1", outcome="denied", denial=denial, execution=execution)
    flow = tflow.tflow()
    record(flow, exchange)
    return ExchangeView().prettify(b"", contentviews.Metadata(flow=flow))


def test_verdicts_stand_each_in_a_line_of_its_own(tmp_path):
    lines = _shown(tmp_path, verdicts={"prompt_guard": GUARD, "parts": PARTS}).splitlines()
    at = lines.index("verdicts:")

    match = '{"rule":"override.previous","kind":"override","count":1}'

    assert [
        f'  prompt_guard: {{"action":"denied","matches":[{match}],"scanned":[{{"kind":"user","count":1,"characters":9}}]}}',
        '  parts: {"action":"allowed","unjudged":[{"kind":"image","count":1,"bytes":53}]}',
    ] == lines[at + 1 : at + 3]
    assert 1 == sum("verdicts" in line for line in lines)


def test_an_exchange_without_verdicts_shows_none(tmp_path):
    assert "verdicts" not in _shown(tmp_path)


def test_what_a_stage_ran_beside_others_is_told(tmp_path):
    lines = _shown(tmp_path).splitlines()

    assert ["  - embed:               [ok, 9.0, 8.0]", "  - prompt_guard:        [denied, 2.0]"] == [
        line for line in lines if line.startswith("  - ")
    ]


def test_a_flow_without_an_exchange_says_so():
    assert "# no exchange\n" == ExchangeView().prettify(b"", contentviews.Metadata(flow=tflow.tflow()))
