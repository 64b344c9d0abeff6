"""Every answer of a file has a row, each kind its figures, and on the written sample they get no worse than they are."""

import json

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

SAMPLE = "tests/data/output/sample.jsonl"
LEAST = {"toxicity": (0.9, 0.1), "pii": (1.0, 0.0), "secret": (1.0, 0.0), "leak": (1.0, 0.0)}
"""Recall at least, and false alarms at most."""


def evaluated(folder, source):
    return CliRunner().invoke(cli, ["evaluate", "output", "--input", str(source), "--json", str(folder / "out.json")])


def test_the_sample_is_judged_no_worse_than_it_is(tmp_path):
    result = evaluated(tmp_path, SAMPLE)

    assert 0 == result.exit_code, result.output
    told = json.loads((tmp_path / "out.json").read_text())
    assert {"rows", "totals", "latency_ms"} == told.keys()
    assert all(row.keys() == {"score", "flagged"} for row in told["rows"])
    for kind, (recall, alarms) in LEAST.items():
        assert told["totals"][kind]["recall"] >= recall, kind
        assert told["totals"][kind]["false_alarms"] <= alarms, kind
    assert told["latency_ms"]["p50"] <= told["latency_ms"]["p99"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("[]", "this is not"),
        ('{"text": "x", "label": 2, "kind": "pii"}', "this is not"),
        ('{"text": "x", "label": 1, "kind": "harm"}', "none of toxicity, pii, secret, leak"),
        ('{"text": "x", "label": 1, "kind": "leak", "system": 1}', "no text"),
    ],
)
def test_a_line_that_cannot_be_judged_is_named(tmp_path, line, told):
    (tmp_path / "asked.jsonl").write_text(line)
    result = evaluated(tmp_path, tmp_path / "asked.jsonl")

    assert 1 == result.exit_code
    assert "line 1" in result.output
    assert told in result.output


def test_a_file_that_is_not_there_is_named(tmp_path):
    assert "No such file" in evaluated(tmp_path, tmp_path / "none.jsonl").output
