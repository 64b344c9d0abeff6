"""The webhook: a verdict for each text, and no word of the service but those that the policy names."""

import pytest

from outgate.detectors.external.shapes import Asker, Piece
from outgate.detectors.external.webhook import Webhook

PIECE = Piece("0123456789", "user")


def found(said, *reasons):
    (findings,) = Webhook(reasons).findings({"verdicts": [said]}, [PIECE])
    return [(one.rule, one.weight.value) for one in findings]


def test_a_question_says_who_asks_and_where_each_text_stands():
    asked = Webhook(()).question([PIECE], Asker("w", "req_1", "gpt"))
    texts = [{"text": "0123456789", "channel": "user"}]

    assert {"version": 1, "workload": "w", "request": "req_1", "model": "gpt", "texts": texts} == asked


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"verdict": "allow", "reason": "pci"}, []),
        ({"verdict": "deny"}, [("webhook.deny", "certain")]),
        ({"verdict": "withhold", "reason": "the text itself"}, [("webhook.withhold", "certain")]),
        ({"verdict": "flag", "reason": "pci"}, [("webhook.flag", "signal"), ("webhook.pci", "signal")]),
        (
            {"verdict": "deny", "spans": [{"start": 0, "end": 10, "reason": "pci"}, {"start": 3, "end": 4, "reason": "x"}]},
            [("webhook.deny", "certain"), ("webhook.pci", "certain")],
        ),
    ],
)
def test_a_verdict_is_a_rule_and_a_named_reason_too(said, expected):
    assert expected == found(said, "pci")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"verdict": "Allow"},
        {"verdict": None},
        {"verdict": "allow", "reason": None},
        {"verdict": "allow", "spans": {}},
        {"verdict": "allow", "spans": [1]},
        *({"verdict": "allow", "spans": [{"start": a, "end": b}]} for a, b in ((0, 11), (-1, 2), (3, 3), (True, 2), (0, 1.0))),
    ],
)
def test_what_is_not_whole_is_no_answer(said):
    with pytest.raises(ValueError, match=r"type|verdict|span"):
        found(said, "pci")


@pytest.mark.parametrize("verdicts", [[], [{"verdict": "allow"}] * 2, {}, None])
def test_there_is_one_verdict_for_each_text(verdicts):
    with pytest.raises(ValueError, match=r"type|one verdict"):
        Webhook(()).findings({"verdicts": verdicts}, [PIECE])
