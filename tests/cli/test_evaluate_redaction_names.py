"""Names are found as often as they were, in every second of the texts that nothing was tuned to; in code none is."""

import json

import pytest
from click.testing import CliRunner

from evaluation.name_texts import FOLDER, as_json, read
from outgate.cli.main import cli

pytestmark = pytest.mark.slow
BARS = {"PERSON": (0.91, 0.96), "LOCATION": (0.86, 0.94)}
"""Recall and precision below which a change made something worse."""


@pytest.fixture(name="totals")
def _totals(tmp_path):
    def totals(texts):
        (tmp_path / "in.jsonl").write_text("".join(as_json(each) + "\n" for each in texts))
        told = tmp_path / "out.json"
        done = CliRunner().invoke(cli, ["evaluate", "redaction", "--input", str(tmp_path / "in.jsonl"), "--json", str(told)])
        assert 0 == done.exit_code, done.output
        return json.loads(told.read_text())["totals"]

    return totals


def test_names_of_fourteen_styles_are_found(totals):
    found = totals(list(read(FOLDER / "named.txt"))[::2])

    for kind, (recall, precision) in BARS.items():
        assert found[kind]["annotated"] > 50
        assert found[kind]["recall"] >= recall
        assert found[kind]["precision"] >= precision


def test_code_logs_and_documents_without_names_have_none(totals):
    texts = list(read(FOLDER / "plain.txt"))

    assert sum(len(each.text.splitlines()) for each in texts) >= 60
    assert {} == totals(texts)
