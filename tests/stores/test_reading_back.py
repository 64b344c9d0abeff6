"""Lines and budgets as reports read them: torn lines, files that move, a ledger that others hold."""

import orjson

from outgate.stores.ledger import Ledger, Turn, Want
from outgate.stores.reading_back import closing_lines, standings


def write(path, *lines, torn=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines) + torn)


def close(name, **more):
    return {"event": "close", "id": name, **more}


def test_each_line_is_told_once_wherever_it_stands(tmp_path):
    write(tmp_path / "journals/w0.a/1.jsonl", close("x"), {"event": "open", "id": "x"}, torn=b'{"event":"close","id":"x')
    write(tmp_path / "audit/w0.a.1.jsonl", close("x"), close("y", told="x"), close("z"))

    assert ["x", "y"] == [line["id"] for line in closing_lines(tmp_path, '"x"')]


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
