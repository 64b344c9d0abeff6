"""Cost of what an exchange is charged, with its basis."""

import pytest

from outgate.errors import FailureKind
from outgate.inference.usage import Usage
from support.endings import attempt, ended
from support.metered import metered

LOST = attempt(1, status=None, failure=FailureKind.RESET)
UNANSWERED = {"outcome": "failed", "r_status": None, "r_source": None, "usage": None}


@pytest.mark.parametrize(
    ("ending", "parts"),
    [
        (ended(), {"reported": 0.00015}),
        (ended(attempts=(LOST, attempt(2))), {"reported": 0.00015, "hold": 0.00046}),
        (ended(**UNANSWERED, attempts=(LOST,)), {"hold": 0.00046}),
        (ended(usage=None), {"hold": 0.00046}),
        (ended(**UNANSWERED, attempts=(attempt(1, status=None, failure=FailureKind.RESET, streams=True),)), {"estimated": 0.00006}),
        (ended(outcome="client_gone", usage=Usage(input_tokens=60, output_tokens=3, estimated=True)), {"estimated": 0.00009}),
        (ended(usage=Usage(output_tokens=10)), {"estimated": 0.00016}),
        (ended(r_status=400, usage=None), {}),
        (ended(**UNANSWERED, attempts=()), {}),
    ],
)
def test_all_that_is_charged_has_a_cost_by_what_it_rests_on(tmp_path, ending, parts):
    found = metered(tmp_path, ending, reserve="x")
    line = found.lines[0]
    known = sum(dollars for basis, dollars in parts.items() if basis != "hold")

    assert parts == {labels[-1]: value for (name, labels), value in found.counted.items() if name == "outgate_cost_total"}
    assert (known, parts.get("hold", 0)) == (float(line["outgate.cost.usd"] or 0), float(line["outgate.cost.hold.usd"] or 0))
    assert [] == [name for name, _ in found.counted if name == "outgate_unpriced_total"]


def test_an_attempt_without_a_price_leaves_no_figure_that_looks_like_the_whole(tmp_path):
    elsewhere = attempt(1, status=None, failure=FailureKind.RESET, provider="own", model="unpriced")
    found = metered(tmp_path, ended(attempts=(elsewhere, attempt(2))), reserve="x")

    assert (None, None) == (found.lines[0]["outgate.cost.usd"], found.lines[0]["outgate.cost.hold.usd"])
    assert 1.0 == found.counted["outgate_unpriced_total", ("openai", "gpt-4o-mini")]
