from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from outgate.answers.judgement import Verdict
from outgate.cli import evaluate_cache
from outgate.cli.main import cli
from outgate.model_server.engines import EngineError


class FakeEncoder:
    name, version, dimension = "fake", "fake-1", 2

    def embed(self, texts):
        return [b"\0\0\x80?\0\0\0\0" for _ in texts]


class FakeJudgement:
    def judge(self, asked, stored, similarity):
        return Verdict(
            served=asked.lower() == stored.lower(), score=similarity, vetoes=() if len(asked) == len(stored) else ("length",)
        )


@pytest.fixture(name="models")
def _models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_cache, "encoder_of", lambda engine, model: FakeEncoder())
    monkeypatch.setattr(evaluate_cache.judgement, "load", FakeJudgement)


def run(tmp_path: Path, text: str, *options: str) -> Result:
    source = tmp_path / "pairs.jsonl"
    source.write_text(text)
    return CliRunner().invoke(cli, ["evaluate", "cache", "--input", str(source), "--json", str(tmp_path / "out.json"), *options])


def test_rows_and_summary_are_written(tmp_path: Path, models: None) -> None:
    done = run(tmp_path, '{"a": "X", "b": "x", "same": 1}\n\n{"a": "X", "b": "why", "same": 0, "kind": "topic"}\n')

    assert 0 == done.exit_code, done.output
    written = orjson.loads((tmp_path / "out.json").read_bytes())
    assert [
        {"hit": True, "similarity": 1.0, "verified": 1.0, "vetoes": []},
        {"hit": False, "similarity": 1.0, "verified": 1.0, "vetoes": ["length"]},
    ] == written["rows"]
    assert 1.0 == written["summary"]["same"]["rate"]
    assert 0.0 == written["summary"]["kinds"]["topic (different)"]["rate"]
    assert "topic (different)" in done.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "there is no pair"),
        ('{"a": "x", "b": "y", "same": 1}\n{"a": "x"', "line 2"),
        ('{"a": "x", "b": "y"}', 'line 1: "same" is neither 0 nor 1'),
        ('{"a": "x", "b": "y", "same": 2}', 'line 1: "same" is neither 0 nor 1'),
        ('{"a": "x", "b": "y", "same": [1]}', 'line 1: "same" is neither 0 nor 1'),
        ('["x", "y", 1]', "line 1: this is not"),
        ('{"a": 1, "b": "y", "same": 1}', "line 1: this is not"),
        ('{"a": "x", "b": "\ud800", "same": 1}'.encode("utf-8", "replace").decode() + "\n{", "line 2"),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, models: None, text: str, told: str) -> None:
    done = run(tmp_path, text)

    assert 1 == done.exit_code
    assert told in done.output
    assert "Traceback" not in done.output


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["evaluate", "cache", "--input", str(tmp_path / "none"), "--json", str(tmp_path / "out.json")])

    assert 1 == done.exit_code
    assert "none: No such file or directory" in done.output


def test_a_target_that_cannot_be_written_is_named(tmp_path: Path, models: None) -> None:
    done = run(tmp_path, '{"a": "X", "b": "x", "same": 1}', "--json", str(tmp_path / "no/out.json"))

    assert 1 == done.exit_code
    assert "no/out.json: No such file or directory" in done.output


def test_a_missing_model_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(engine: str, model: str) -> None:
        raise EngineError("the verifier's weights cannot be read")

    monkeypatch.setattr(evaluate_cache, "encoder_of", missing)
    done = run(tmp_path, '{"a": "X", "b": "x", "same": 1}')

    assert 1 == done.exit_code
    assert "the verifier's weights cannot be read" in done.output
