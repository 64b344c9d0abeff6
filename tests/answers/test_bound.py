"""The error bound, by simulation: what is too high is found, what is low enough is left alone, however often one looks."""

from random import Random

import pytest

from outgate.answers.bound import ALPHA, CLEAN, THRESHOLDS, Bound, Errors, State, Threshold

DELTA = 0.005


def compared(rate, count, seed, bound=None, score=1.0):
    """The bound after each comparison, until it breaks."""
    random = Random(seed)
    bound = bound or Bound(DELTA)
    for number in range(count):
        bound = bound.after(score, random.random() < rate)
        if bound.state is State.BROKEN:
            return bound, number + 1
    return bound, count


def test_two_in_a_hundred_are_found():
    counts = sorted(compared(0.02, 6000, seed)[1] for seed in range(40))

    assert counts[-1] < 3000
    assert counts[20] < 600


def test_a_late_rise_is_found():
    settled = compared(0.001, 4000, 0)[0]
    bound, count = compared(0.03, 4000, 1, settled)

    assert State.PROVEN is settled.state
    assert State.BROKEN is bound.state
    assert count < 2000


def watched(rate, count, seed):
    """One threshold, looked at after every comparison: whether it was ever given up, and ever proven."""
    random, bets, proven = Random(seed), Threshold(), False
    for _ in range(count):
        bets = bets.after(random.random() < rate, DELTA, DELTA)
        proven = proven or bets.is_proven
    return bets.given_up, proven


@pytest.mark.parametrize(("rate", "most"), [(0.001, 0.0), (DELTA, ALPHA)])
def test_what_is_low_enough_is_rarely_lost(rate, most):
    runs = 40
    lost = sum(watched(rate, 2000, seed)[0] for seed in range(runs))

    assert lost <= runs * most + 2 * (runs * most) ** 0.5


@pytest.mark.parametrize("rate", [0.005, 0.01])
def test_a_bound_is_rarely_proven_of_what_is_too_high(rate):
    runs = 40
    proven = sum(watched(rate, 2000, seed)[1] for seed in range(runs))

    assert proven <= runs * ALPHA + 2 * (runs * ALPHA) ** 0.5


def test_600_clean_comparisons_prove_it_and_not_one_less():
    assert State.PROVEN is compared(0.0, CLEAN, 0)[0].state
    assert State.CALIBRATED is compared(0.0, CLEAN - 1, 0)[0].state


def test_the_threshold_rises_only_as_far_as_wrong_hits_reach():
    bound = Bound(DELTA)
    for number in range(3000):
        low = number % 2 == 0
        bound = bound.after(0.96 if low else 0.992, low and number % 40 == 0)

    assert (0.98, State.PROVEN) == (bound.threshold, bound.state)


def test_each_rise_takes_evidence_at_that_threshold():
    bound = compared(1.0, 50, 0, score=0.99)[0]

    assert 0.995 == bound.threshold
    assert (0, 0) == (bound.current.compared, bound.current.wrong)


def test_it_is_restored_as_it_was_stored():
    bound = compared(0.01, 500, 3, score=0.97)[0]

    assert bound == Bound.restored(DELTA, bound.stored())


@pytest.mark.parametrize("stored", [None, [], {}, 3, [[1]], [[0, 0, [0.0], [1.0, 0.0], False]] * len(THRESHOLDS), "x"])
def test_what_was_not_stored_so_is_a_fresh_bound(stored):
    assert Bound(DELTA) == Bound.restored(DELTA, stored)


ERRORS = Errors(mistaken=0.04, seen=0.5)
"""A comparison that calls 4 in 100 of the same answers different, and sees half of those that are."""


def broken(wrong_hits, count, seed):
    """Whether so many wrong hits break the bound, seen through a comparison that errs."""
    called = ERRORS.most(wrong_hits)
    return compared(called, count, seed, Bound(DELTA, ERRORS))[0].state is State.BROKEN


def test_mistakes_of_the_comparison_rarely_break_it():
    assert sum(broken(0.0, 1500, seed) for seed in range(30)) <= 30 * ALPHA + 2 * (30 * ALPHA) ** 0.5


def test_wrong_hits_are_found_through_a_comparison_that_errs():
    assert 30 == sum(broken(0.2, 3000, seed) for seed in range(30))


def test_a_comparison_that_misses_half_takes_longer_to_prove_a_bound():
    clean = compared(0.0, CLEAN, 0, Bound(DELTA, ERRORS))[0]
    longer = compared(0.0, 2 * CLEAN + 100, 0, Bound(DELTA, ERRORS))[0]

    assert (State.CALIBRATED, State.PROVEN) == (clean.state, longer.state)
