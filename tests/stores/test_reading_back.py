"""Lines and budgets as reports read them: torn lines, files that move, a ledger that others hold."""

import os

import orjson

from outgate.stores.ledger import Ledger, Turn, Want
from outgate.stores.reading_back import closing_lines, standings


def write(path, *lines, torn=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines) + torn)


def close(name, **more):
    return {"event": "close", "id": name, **more}


def names(folder, *asked):
    return [line["id"] for line in closing_lines(folder, *asked)]


def test_lines_are_found_wherever_they_stand_and_what_is_broken_costs_no_other(tmp_path):
    write(tmp_path / "journals/w0.a/1.jsonl", close("x"), {"event": "open", "id": "x"}, torn=b'{"event":"close","id":"x')
    write(tmp_path / "audit/w0.a.1.jsonl", [1], close("y", told="x"), close("v", time="x"), close("z"))
    with (tmp_path / "audit/w0.a.1.jsonl").open("ab") as file:
        file.write(b'{"event":"close","id":"x\n\xff\xfe"event":"close"\n' + orjson.dumps(close("x2", told="x")) + b"\n")

    assert ["x", "y", "x2"] == names(tmp_path, '"x"')
    assert ["x", "y", "z", "x2"] == names(tmp_path)


def test_a_file_that_is_archived_while_it_is_read_is_told_once(tmp_path):
    path = tmp_path / "journals/w0.a/1.jsonl"
    write(path, close("x"), close("y"))
    (tmp_path / "audit").mkdir()
    reading = closing_lines(tmp_path)
    found = [next(reading)]
    path.rename(tmp_path / "audit/w0.a.1.jsonl")

    assert ["x", "y"] == [line["id"] for line in (*found, *reading)]


def test_a_file_that_ended_before_is_not_opened_and_lines_before_are_left_out(tmp_path):
    write(tmp_path / "audit/old.jsonl", close("a", time=2_000.0))
    os.utime(tmp_path / "audit/old.jsonl", (900, 900))
    write(tmp_path / "audit/new.jsonl", close("b", time=999.0), close("c", time=1_000.0), close("d"))

    assert ["c"] == names(tmp_path, "", 1_000.0)


def test_a_time_that_no_clock_shows_is_passed_over(tmp_path):
    times = (1e18, -1e18, -1, 10**15, None, 5.0)
    write(tmp_path / "audit/a.jsonl", *(close(str(at), time=at) for at in times))

    assert ["5.0"] == names(tmp_path)


def test_no_lines_are_none(tmp_path):
    assert [] == list(closing_lines(tmp_path, "x"))


def test_budgets_are_read_while_a_worker_holds_the_ledger(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite", workers=1)
    ledger.turn(Turn(run="run", wants=(Want("day", 0, 86400, 1000, 100, 10),)))
    (found,) = standings(tmp_path, ["day", "unknown"])
    ledger.close()

    assert ("day", 1000) == (found.key, found.tokens)
    assert found.free < 1000


def test_a_ledger_that_is_no_database_says_nothing(tmp_path):
    assert [] == standings(tmp_path, ["day"])
    (tmp_path / "ledger.sqlite").write_bytes(b"x" * 999)
    assert [] == standings(tmp_path, ["day"])
