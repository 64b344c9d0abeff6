"""Every verdict of a plan reaches the audit record and the metrics by itself, whatever guard wrote it."""

from typing import NamedTuple

import pytest

from outgate.inference.verdict import FAILED, SKIPPED, Action, Extent, Match, Verdict
from outgate.metering.metrics import Metrics, render
from support.endings import ended, refused_at_the_door
from support.metered import metered

GUARD = Verdict(
    action=Action.DENIED,
    matches=(Match("override.previous", "override"), Match("phrase.1", "phrase", 3, "user", "denied", "bcdf")),
    scanned=(Extent("user", 2, 812), Extent("tool_result", 1, 40)),
    unjudged=(Extent("system", 1, 300),),
    revision="0a1b",
)
PARTS = Verdict(unjudged=(Extent("image", 2, bytes=5321), Extent("token_array", 1)))


class Case(NamedTuple):
    verdict: Verdict
    told: dict


TOLD = {
    "denied": Case(
        GUARD,
        {
            "action": "denied",
            "matches": [
                {"rule": "override.previous", "kind": "override", "count": 1},
                {"rule": "phrase.1", "kind": "phrase", "count": 3, "channel": "user", "action": "denied", "text": "bcdf"},
            ],
            "scanned": [{"kind": "user", "count": 2, "characters": 812}, {"kind": "tool_result", "count": 1, "characters": 40}],
            "unjudged": [{"kind": "system", "count": 1, "characters": 300}],
            "revision": "0a1b",
        },
    ),
    "admitted unjudged": Case(
        PARTS,
        {"action": "allowed", "unjudged": [{"kind": "image", "count": 2, "bytes": 5321}, {"kind": "token_array", "count": 1}]},
    ),
    "skipped": Case(SKIPPED, {"action": "skipped"}),
    "failed": Case(FAILED, {"action": "failed"}),
    "nothing to judge": Case(Verdict(), {"action": "allowed"}),
}


@pytest.mark.parametrize("case", TOLD.values(), ids=TOLD)
@pytest.mark.parametrize("ending", [ended, refused_at_the_door])
def test_a_verdict_is_in_the_audit_record_of_any_ending(tmp_path, case, ending):
    found = metered(tmp_path, ending(verdicts={"a_guard_nobody_has_heard_of": case.verdict}))

    assert {"a_guard_nobody_has_heard_of": case.told} == found.lines[0]["outgate.verdicts"]


def test_verdicts_are_counted_by_guard_and_action(tmp_path):
    verdicts = {"prompt_guard": GUARD, "parts": PARTS, "out.words": FAILED}
    counted = metered(tmp_path, ended(verdicts=verdicts), ended("y", verdicts=verdicts)).counted

    assert {
        ("outgate_verdicts_total", ("prompt_guard", "denied")): 2,
        ("outgate_verdicts_total", ("parts", "allowed")): 2,
        ("outgate_verdicts_total", ("out.words", "failed")): 2,
        ("outgate_verdict_matches_total", ("prompt_guard", "override.previous", "", "")): 2,
        ("outgate_verdict_matches_total", ("prompt_guard", "phrase.1", "user", "denied")): 6,
        ("outgate_scanned_pieces_total", ("prompt_guard", "user")): 4,
        ("outgate_scanned_pieces_total", ("prompt_guard", "tool_result")): 2,
        ("outgate_unjudged_pieces_total", ("prompt_guard", "system")): 2,
        ("outgate_unjudged_pieces_total", ("parts", "image")): 4,
        ("outgate_unjudged_pieces_total", ("parts", "token_array")): 2,
    } == {key: value for key, value in counted.items() if "verdict" in key[0] or "pieces" in key[0]}


def test_an_exchange_without_a_guard_has_no_verdict(tmp_path):
    found = metered(tmp_path, ended())

    assert {} == found.lines[0]["outgate.verdicts"]
    assert not [name for name, _ in found.counted if "verdict" in name]


def test_the_labels_are_bounded_as_those_of_every_metric(tmp_path):
    metrics = Metrics(tmp_path, most=3)
    for number in range(50):
        metrics.add("outgate_verdict_matches_total", ("g", f"rule.{number}", "user", "flagged"))

    assert 4 == render(tmp_path).count(b"outgate_verdict_matches_total{")
