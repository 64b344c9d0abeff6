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


TOPICS = """
version: 1
providers: {openai: {host: api.openai.com, credential: {env: OPENAI_API_KEY}}}
workloads: {helpdesk: {}}
stages:
  authenticate: {}
  authorize: {allow: [{}]}
  output_topics:
    action: replace
    topics:
      names: {medical: [take two tablets of the painkiller a day, the dose of this medicine for children is half]}
      none_of_these: [the printer is on the second floor, you reset the password in the settings]
  toxicity_guard: {action: answer, threshold: 0.999999}
  model_map: {passthrough: true}
routes:
  - {name: chat, match: {kinds: [chat]}}
"""


def test_topics_and_settings_are_those_of_a_policy(tmp_path):
    (tmp_path / "policy.yaml").write_text(TOPICS)
    asked = [
        {"text": "Take two tablets of the painkiller every day.", "label": 1, "kind": "topic"},
        {"text": "The printer stands on the second floor.", "label": 0, "kind": "topic"},
        {"text": "You absolute moron, did your parents drop you on your head?", "label": 1, "kind": "toxicity"},
        {"text": "Write to eve.smith@example.org about it.", "label": 1, "kind": "pii"},
    ]
    (tmp_path / "asked.jsonl").write_text("\n".join(map(json.dumps, asked)))
    out = tmp_path / "out.json"
    arguments = ["--input", tmp_path / "asked.jsonl", "--json", out, "--policy", tmp_path / "policy.yaml"]
    result = CliRunner().invoke(cli, ["evaluate", "output", *map(str, arguments)])

    assert 0 == result.exit_code, result.output
    told = json.loads(out.read_text())
    assert [True, False, False, True] == [row["flagged"] for row in told["rows"]]
    assert {"topic", "toxicity", "pii"} == told["totals"].keys()
    assert {"p50", "p99"} == told["totals"]["topic"]["latency_ms"].keys()


def test_topics_need_a_policy(tmp_path):
    (tmp_path / "asked.jsonl").write_text('{"text": "x", "label": 1, "kind": "topic"}')
    result = evaluated(tmp_path, tmp_path / "asked.jsonl")

    assert (1, True) == (result.exit_code, "--policy" in result.output)


def test_an_empty_file_is_refused(tmp_path):
    (tmp_path / "asked.jsonl").write_text("\n")

    assert "no text" in evaluated(tmp_path, tmp_path / "asked.jsonl").output
