"""Gauges read when metrics are asked for: budgets in their present window, the end of the authority's certificate."""

from click.testing import CliRunner

from outgate.cli.main import cli
from outgate.server.gauges import authority, budgets
from outgate.stores.ledger import JournalBatch, Ledger, LedgerEntry, Turn, Want

KEY = "day@day/workload=app"


def ledger(folder):
    """A budget of 1,000 of which 300 were used and a part is lent."""
    opened = Ledger(folder / "ledger.sqlite", workers=1)
    opened.turn(Turn(run="run", wants=(Want(KEY, 0, 86_400, 1_000, 100, 10),)))
    opened.turn(Turn(run="run", batches=(JournalBatch("run/1", 9, ((9, LedgerEntry(KEY, 0, 300, 0, 0)),)),)))
    opened.close()


def shown(folder, now):
    return {sample.labels: sample.value for sample in budgets(folder, now)}


def test_a_budget_is_told_by_what_is_used_held_and_left(tmp_path):
    ledger(tmp_path)
    found = shown(tmp_path, 86_399.0)

    assert 300 == found["day@day", "workload=app", "used"]
    assert 100 <= found["day@day", "workload=app", "held"]
    assert 1_000 == sum(found.values())


def test_a_share_that_was_warned_of_is_told(tmp_path):
    ledger(tmp_path)
    opened = Ledger(tmp_path / "ledger.sqlite", workers=1)
    before = shown(tmp_path, 0.0)["day@day", "workload=app"]
    opened.warned({KEY: (0.2, 0.3)})
    opened.close()

    assert (0.0, 0.3) == (before, shown(tmp_path, 0.0)["day@day", "workload=app"])


def test_a_window_that_is_over_is_not_shown(tmp_path):
    ledger(tmp_path)

    assert {} == shown(tmp_path, 86_400.0)


def test_windows_that_are_over_push_no_live_budget_out(tmp_path):
    opened = Ledger(tmp_path / "ledger.sqlite", workers=1)
    spent = [f"hour@hour/workload={number}" for number in range(200)]
    opened.turn(Turn(run="run", wants=tuple(Want(key, 0, 3_600, 1_000, 1_000, 1_000) for key in spent)))
    opened.turn(Turn(run="run", wants=(Want(KEY, 0, 86_400, 1_000, 900, 10),)))
    opened.close()

    assert {"day@day"} == {name for name, *_ in shown(tmp_path, 3_600.0)}


def test_no_ledger_has_no_budgets(tmp_path):
    assert {} == shown(tmp_path, 0.0)


def test_the_end_of_the_authority_is_told(tmp_path):
    assert [] == list(authority(tmp_path))
    CliRunner().invoke(cli, ["ca", "init", "--certs", str(tmp_path), "--days", "9"])
    (sample,) = authority(tmp_path)

    assert ("outgate_certificate_expires_seconds", ("authority",)) == sample[:2]
    (tmp_path / "mitmproxy-ca.pem").write_text("torn")
    assert [] == list(authority(tmp_path))
