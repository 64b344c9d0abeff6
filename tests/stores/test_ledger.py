import sqlite3

import pytest

from outgate.stores.ledger import JournalBatch, Ledger, Standing, Turn, Want, summed, warning
from outgate.stores.ledger import LedgerEntry as Entry
from outgate.stores.limits import BudgetLimits
from support.budgets import limit

DAY = (0, 86400)


@pytest.fixture(name="ledger")
def _ledger(tmp_path):
    ledger = Ledger(tmp_path / "l.sqlite", workers=2)
    yield ledger
    ledger.close()


def lend(ledger, need, *, tokens=1000, typical=100, run="a", window=DAY):
    return ledger.turn(Turn(run=run, wants=(Want("k", *window, tokens, need, typical),)))[0]


def fold(ledger, *posted, place=100, run="a", segment="a/1"):
    ledger.turn(Turn(run=run, batches=(JournalBatch(segment, place, tuple(posted)),)))


def standing(ledger):
    found = ledger.standings()[0]
    return found.settled, found.leased, found.debt, found.free


@pytest.mark.parametrize(
    ("need", "typical", "expected"),
    [
        (100, 100, 125),  # free / (4 x workers)
        (200, 200, 200),  # a slice would be too small: exact
        (0, 100, 125),  # ahead of need
        (0, 200, 0),  # nothing ahead of need near the limit
        (2000, 100, 1000),  # never more than is free
    ],
)
def test_the_slice_follows_what_is_free(ledger, need, typical, expected):
    assert expected == lend(ledger, need, typical=typical).amount


def test_the_sum_of_leases_is_the_limit(ledger):
    amounts = [lend(ledger, 300, run=run, typical=300).amount for run in "abcde"]

    assert [300, 300, 300, 100, 0] == amounts
    assert (0, 1000, 0, 0) == standing(ledger)


def test_a_record_counts_once_however_often_it_is_told(ledger):
    lend(ledger, 300, typical=300)
    for _ in range(3):
        fold(ledger, (50, Entry("k", 0, 70, 70, 0)))
    fold(ledger, (50, Entry("k", 0, 70, 70, 0)), (150, Entry("k", 0, 30, 30, 0)), place=150)

    assert (100, 200, 0, 700) == standing(ledger)


def test_debt_blocks_what_is_free_and_nothing_goes_below_the_lease(ledger):
    lend(ledger, 300, typical=300)
    fold(ledger, (50, Entry("k", 0, 5000, 300, 4700)))

    assert (5000, 0, 4700, -4000) == standing(ledger)
    assert 0 == lend(ledger, 1).amount


def test_the_end_of_a_run_gives_back_its_leases_only(ledger):
    lend(ledger, 300, typical=300)
    lend(ledger, 200, typical=200, run="b")
    ledger.end("a")

    assert (0, 200, 0, 800) == standing(ledger)


def test_a_new_window_is_a_new_row_and_the_old_one_stays(ledger):
    lend(ledger, 300, typical=300)
    fold(ledger, (50, Entry("k", 0, 70, 70, 0)))
    grant = lend(ledger, 1000, window=(86400, 172800))

    assert 1000 == grant.amount
    assert 1 == len(ledger.standings())


def test_a_window_in_the_past_is_never_opened_again(ledger):
    lend(ledger, 1000, window=(86400, 172800))
    grant = lend(ledger, 1000, window=DAY)

    assert (86400, 172800, 0) == grant[1:4]


def test_debt_of_an_account_that_has_no_row_yet_is_kept(ledger):
    fold(ledger, (50, Entry("k", 0, 400, 0, 400)))

    assert 600 == lend(ledger, 1000).amount


def test_a_raised_limit_counts_at_once(ledger):
    lend(ledger, 1000)

    assert 500 == lend(ledger, 500, tokens=1500, typical=500).amount


def test_a_turn_that_fails_leaves_nothing_behind(ledger):
    broken = Want("k", *DAY, None, 100, 100)
    with pytest.raises(TypeError):
        ledger.turn(Turn(run="a", batches=(JournalBatch("a/1", 9, ((5, Entry("k", 0, 1, 1, 0)),)),), wants=(broken,)))

    assert () == ledger.standings()
    assert 0 == ledger.folded("a/1")


def test_rows_of_windows_long_past_are_dropped(ledger):
    lend(ledger, 100)
    ledger.prune(14 * 86400.0 - 1)
    kept = ledger.standings()
    ledger.prune(14 * 86400.0 + 1)

    assert 1 == len(kept)
    assert () == ledger.standings()


def test_a_damaged_database_is_an_error_not_a_fresh_budget(tmp_path):
    (tmp_path / "l.sqlite").write_bytes(b"not a database, but long enough to be taken for one" * 40)

    with pytest.raises(sqlite3.DatabaseError):
        Ledger(tmp_path / "l.sqlite", workers=1)


def test_a_share_that_is_used_is_given_out_once_in_a_window_to_whoever_asks_first(ledger, tmp_path):
    other = Ledger(tmp_path / "l.sqlite", workers=2)
    shares = {"k": (0.5, 0.8), "unknown": (0.5,)}
    lend(ledger, 900, typical=900)
    fold(ledger, (50, Entry("k", 0, 499, 499, 0)))
    assert () == ledger.warned(shares)
    fold(ledger, (150, Entry("k", 0, 1, 1, 0)), place=150)

    assert ([0.5], ()) == ([share for _, share in ledger.warned(shares)], other.warned(shares))
    fold(ledger, (250, Entry("k", 0, 300, 300, 0)), place=250)
    assert ([0.8], ()) == ([share for _, share in other.warned(shares)], ledger.warned(shares))
    other.close()


def test_of_shares_that_are_passed_at_once_the_largest_is_told(ledger):
    lend(ledger, 900, typical=900)
    fold(ledger, (50, Entry("k", 0, 900, 900, 0)))

    ((standing, share),) = ledger.warned({"k": (0.5, 0.8, 0.95)})
    assert (0.8, 900) == (share, standing.settled)
    assert () == ledger.warned({"k": (0.5, 0.8, 0.95)})


def test_a_raised_limit_and_a_new_window_have_shares_anew(ledger):
    lend(ledger, 900, typical=900)
    fold(ledger, (50, Entry("k", 0, 900, 900, 0)))
    assert ledger.warned({"k": (0.8,)})
    lend(ledger, 0, tokens=1100)
    assert ledger.warned({"k": (0.8,)})
    lend(ledger, 0, tokens=2000, window=(86400, 172800))
    assert () == ledger.warned({"k": (0.8,)})


def test_usage_of_an_account_without_a_limit_yet_is_no_warning(ledger):
    fold(ledger, (50, Entry("k", 0, 900, 900, 0)))

    assert () == ledger.warned({"k": (0.8,)})


def test_a_warning_says_whose_budget_how_much_and_until_when():
    standing = Standing("day@day/workload=a%2Fb", 0, 86400, 1000, 812, 0, 0)

    told = "budget day@day of workload=a/b is past 80%: 812 of 1,000 tokens are used; it begins anew at 1970-01-02 00:00 UTC"
    assert told == warning(standing, 0.8)


def test_entries_add_up_per_account_and_window():
    entries = [
        Entry("k", 0, 1, 2, 3),
        Entry("k", 0, 10, 20, 30),
        Entry("k", 9, 5, 5, 5),
        Entry("l", 0, 7, 7, 7),
    ]

    assert (Entry("k", 0, 11, 22, 33), Entry("k", 9, 5, 5, 5), Entry("l", 0, 7, 7, 7)) == summed(entries)


def in_force(ledger, **fields):
    ledger.turn(Turn(run="a", limits=BudgetLimits([limit(500, **fields)]).tokens_of))
    return {standing.key: standing.tokens for standing in ledger.standings()}


def test_accounts_have_the_limit_in_force_before_they_are_charged_again(ledger):
    for key in ("team@day", "team@day/workload=a%2Fb", "team@hour", "gone@day"):
        ledger.turn(Turn(run="a", wants=(Want(key, *DAY, 1000, 100, 100),)))

    assert {"team@day": 500, "team@day/workload=a%2Fb": -1, "team@hour": -1, "gone@day": -1} == in_force(ledger)
    assert 500 == in_force(ledger, per=("workload",), workload="a/*")["team@day/workload=a%2Fb"]
    assert -1 == in_force(ledger, per=("workload",), workload="b*")["team@day/workload=a%2Fb"]
    ledger.turn(Turn(run="a", wants=(Want("team@day", *DAY, 300, 0, 100),)))
    assert [300] == [each.tokens for each in ledger.standings(["team@day"])]


def test_where_routes_differ_in_a_limit_the_one_that_was_charged_stays(ledger):
    ledger.turn(Turn(run="a", wants=(Want("team@day", *DAY, 1000, 100, 100),)))
    ledger.turn(Turn(run="a", limits=BudgetLimits([limit(500), limit(600)]).tokens_of))

    assert [1000] == [each.tokens for each in ledger.standings()]
