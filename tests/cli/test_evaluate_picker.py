"""`outgate evaluate picker`: figures of every picker, and a pick of the real code."""

import orjson
from click.testing import CliRunner

from outgate.cli.evaluate_picker import command
from outgate.testing.pools import matrix
from outgate.testing.pools.matrix import LIGHT, Scene
from outgate.testing.pools.workloads import teams


def test_figures_are_written_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr("outgate.cli.evaluate_picker.scenes", lambda _: {LIGHT: Scene(teams(8, groups=1), matrix._EIGHT[:2])})
    target = tmp_path / "picker.json"

    done = CliRunner().invoke(command, ["--json", str(target), "--seeds", "1", "--seconds", "2", "--svg", str(tmp_path / "p.svg")])

    told = orjson.loads(target.read_bytes())
    assert (0, {"fresh", "none", "frozen"}) == (done.exit_code, set(told["regret"]))
    assert 1.0 == min(each["geometric_mean"] for each in told["regret"]["fresh"].values())
    assert 0 < told["hits_of_ideal"]["prefix_cache"] <= 1
    assert told["pick_ms"]["cpu"]["p50"] > 0
    assert "prefix_cache: regret" in done.output
    assert (tmp_path / "p.svg").read_text().startswith("<svg")


def test_a_file_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("outgate.cli.evaluate_picker.scenes", lambda _: {LIGHT: Scene(teams(8), matrix._EIGHT[:1])})

    done = CliRunner().invoke(command, ["--json", str(tmp_path / "no" / "p.json"), "--seeds", "1", "--seconds", "1"])

    assert 1 == done.exit_code
    assert "p.json" in done.output
