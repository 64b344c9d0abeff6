import json

import pytest
from click.testing import CliRunner

from outgate.cli.main import cli

EXEMPLARS = {
    "names": {
        "coder": ["why does this function raise a KeyError?", "my unit test fails", "write a Python script that parses CSV"],
        "chat": {"hello": ["hello", "good morning", "how are you?"], "fun": ["tell me a joke", "sing a song", "write a poem"]},
    },
    "none_of_these": ["what is the capital of Mongolia?", "how much interest does a mortgage cost?"],
}
ASKED = [
    {"text": "fix the exception in my Python function", "route": "coder"},
    {"text": "hi, good evening", "route": "chat"},
    {"text": "what is the capital of Peru?", "route": "none"},
]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def evaluated(folder, name, exemplars, asked=None):
    (folder / name).write_text(exemplars)
    (folder / "asked.jsonl").write_text(lines(ASKED) if asked is None else asked)
    arguments = [
        "evaluate",
        "routing",
        "--input",
        folder / "asked.jsonl",
        "--exemplars",
        folder / name,
        "--json",
        folder / "out.json",
    ]
    return CliRunner().invoke(cli, [str(each) for each in arguments])


def flat():
    names = [(name, phrases if isinstance(phrases, dict) else {"": phrases}) for name, phrases in EXEMPLARS["names"].items()]
    rows = [{"text": t, "route": name, "topic": topic} for name, topics in names for topic, texts in topics.items() for t in texts]
    return rows + [{"text": text, "route": "none"} for text in EXEMPLARS["none_of_these"]]


@pytest.mark.parametrize(("name", "text"), [("rule.json", json.dumps(EXEMPLARS)), ("rule.jsonl", lines(flat()))])
def test_every_text_has_a_row_and_the_file_its_figures(tmp_path, name, text):
    result = evaluated(tmp_path, name, text)

    assert 0 == result.exit_code, result.output
    written = json.loads((tmp_path / "out.json").read_text())
    assert ["coder", "chat"] == [row["route"] for row in written["rows"][:2]]
    assert written["rows"][2]["score"] < min(row["score"] for row in written["rows"][:2])
    assert "none" == written["rows"][2]["decided"]
    assert 1.0 == written["summary"]["in_scope_accuracy"] == written["summary"]["out_of_scope_auc"]
    assert "in_scope_accuracy: 1.0" in result.output


@pytest.mark.parametrize(
    ("exemplars", "asked"),
    [
        ('{"names": {"coder": []}, "threshold": "high"}', None),
        ("{", None),
        (json.dumps(EXEMPLARS), '{"question": 1}\n'),
    ],
)
def test_a_file_of_another_form_is_told(tmp_path, exemplars, asked):
    result = evaluated(tmp_path, "rule.json", exemplars, asked)

    assert 1 == result.exit_code
    assert "Error" in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("bad", ["[", "7", "[1]", '{"question": 1}', '{"text": 1, "route": "chat"}', '{"text": "a", "route": 1}'])
def test_a_line_of_another_form_is_told_by_its_number(tmp_path, bad):
    result = evaluated(tmp_path, "rule.json", json.dumps(EXEMPLARS), lines(ASKED[:1]) + "\n" + bad + "\n")

    assert (1, 1) == (result.exit_code, result.output.count("asked.jsonl, line 3: "))


def test_a_file_without_a_text_has_no_figures(tmp_path):
    result = evaluated(tmp_path, "rule.json", json.dumps(EXEMPLARS), "\n")

    assert 1 == result.exit_code
    assert "there is no text in this file" in result.output
    assert not (tmp_path / "out.json").exists()


def test_labels_that_the_rule_does_not_name_are_told_and_counted(tmp_path):
    asked = [*ASKED, {"text": "boil an egg", "route": "kitchen"}, {"text": "of no label"}]
    result = evaluated(tmp_path, "rule.json", json.dumps(EXEMPLARS), lines(asked))

    assert (0, 1) == (result.exit_code, result.stderr.count("\n"))
    assert "1 of 5 texts are labelled 'kitchen', which the rule does not name" in result.stderr
    assert "in_scope: 3" in result.stdout


def test_figures_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "asked.jsonl").write_text(lines(ASKED[:1]))
    (tmp_path / "rule.json").write_text(json.dumps(EXEMPLARS))
    arguments = ["--input", "asked.jsonl", "--exemplars", "rule.json", "--json", "none/out.json"]
    result = CliRunner().invoke(cli, ["evaluate", "routing", *(a if a[0] == "-" else str(tmp_path / a) for a in arguments)])

    assert 1 == result.exit_code
    assert "none/out.json: No such file or directory" in result.output


def test_exemplars_come_from_one_place(tmp_path):
    result = CliRunner().invoke(cli, ["evaluate", "routing", "--input", str(tmp_path / "a"), "--json", str(tmp_path / "b")])

    assert 2 == result.exit_code
    assert "--policy or --exemplars" in result.output


def test_a_policy_gives_its_semantic_rule(tmp_path):
    (tmp_path / "asked.jsonl").write_text(lines(ASKED[:2]))
    arguments = [
        "--input",
        tmp_path / "asked.jsonl",
        "--json",
        tmp_path / "out.json",
        "--policy",
        "policies/examples/model-routing.yaml",
    ]
    result = CliRunner().invoke(cli, ["evaluate", "routing", *map(str, arguments)])

    assert 0 == result.exit_code, result.output
    assert ["coder", "chat"] == [row["route"] for row in json.loads((tmp_path / "out.json").read_text())["rows"]]


def test_a_policy_without_a_semantic_rule_is_told(tmp_path):
    (tmp_path / "asked.jsonl").write_text(lines(ASKED[:1]))
    arguments = ["--input", tmp_path / "asked.jsonl", "--json", tmp_path / "out.json", "--policy", "policies/default.yaml"]
    result = CliRunner().invoke(cli, ["evaluate", "routing", *map(str, arguments)])

    assert 1 == result.exit_code
    assert "no stage `route`" in result.output
