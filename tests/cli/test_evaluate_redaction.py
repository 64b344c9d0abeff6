"""`outgate evaluate redaction`: rows, totals by type and latency; other names of kinds are understood."""

import json

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

TEXT = "I am Maria Gonzalez of Springfield, maria@example.com."
SPANS = [
    {"start": 5, "end": 19, "type": "NAME"},
    {"start": 23, "end": 34, "type": "GPE"},
    {"start": 36, "end": 53, "type": "EMAIL_ADDRESS"},
]
ASKED = [{"text": TEXT, "spans": SPANS}, {"text": "Nobody is here.", "spans": []}, {"text": TEXT}]


def evaluated(folder, content, *more):
    (folder / "in.jsonl").write_text(content)
    arguments = ["evaluate", "redaction", "--input", folder / "in.jsonl", "--json", folder / "out.json", *more]
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_spans_are_found_and_counted_by_type(tmp_path):
    done = evaluated(tmp_path, lines(ASKED))
    told = json.loads((tmp_path / "out.json").read_text())

    assert 0 == done.exit_code, done.output
    assert {"rows", "totals", "latency_ms"} == set(told)
    assert ["PERSON", "LOCATION", "EMAIL_ADDRESS"] == [span["type"] for span in told["rows"][0]["spans"]]
    assert ["Maria Gonzalez", "Springfield", "maria@example.com"] == [TEXT[s["start"] : s["end"]] for s in told["rows"][0]["spans"]]
    assert [] == told["rows"][1]["spans"]
    assert told["rows"][0] == told["rows"][2]
    assert {"annotated": 1, "found": 1, "recall": 1.0, "precision": 1.0} == told["totals"]["PERSON"]
    assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99"]


def test_misses_and_wrong_findings_count(tmp_path):
    spans = [{"start": 0, "end": 1, "type": "PERSON"}, {"start": 0, "end": 1, "type": "SHOE"}]
    evaluated(tmp_path, lines([{"text": TEXT, "spans": spans}]))
    totals = json.loads((tmp_path / "out.json").read_text())["totals"]

    assert {"annotated": 1, "found": 1, "recall": 0.0, "precision": 0.0} == totals["PERSON"]
    assert {"annotated": 1, "found": 0} == totals["SHOE"]


def test_the_settings_of_a_policy_are_taken(tmp_path):
    done = evaluated(tmp_path, lines(ASKED), "--policy", "policies/default.yaml")

    assert 0 == done.exit_code, done.output
    assert ["EMAIL_ADDRESS"] == [span["type"] for span in json.loads((tmp_path / "out.json").read_text())["rows"][0]["spans"]]


@pytest.mark.parametrize("content", ["", "{", '{"spans": []}\n', '{"text": "a", "spans": [{"start": 1}]}\n', '{"text": 1}\n'])
def test_a_file_of_another_form_is_refused(tmp_path, content):
    assert 1 == evaluated(tmp_path, content).exit_code
