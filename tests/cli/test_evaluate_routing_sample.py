"""Semantic routing on an excerpt of CLINC150 with the packaged encoder: it gets no worse than it is."""

import json

from click.testing import CliRunner

from outgate.cli.main import cli

SAMPLE = "tests/data/routing"


def test_five_phrases_a_topic_route_most_questions_and_tell_what_belongs_to_none(tmp_path):
    files = ["--input", f"{SAMPLE}/asked.jsonl", "--exemplars", f"{SAMPLE}/exemplars.jsonl", "--json", str(tmp_path / "out.json")]
    result = CliRunner().invoke(cli, ["evaluate", "routing", *files])

    assert 0 == result.exit_code, result.output
    summary = json.loads((tmp_path / "out.json").read_text())["summary"]
    assert summary["in_scope_accuracy"] >= 0.89
    assert summary["out_of_scope_auc"] >= 0.96
    assert summary["out_of_scope_refused"] >= 0.9
