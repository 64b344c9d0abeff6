import logging

from outgate.stores.health import Health


def test_a_failure_is_told_once_and_its_end_with_how_long_it_took(caplog):
    clock, told = iter([10.0, 15.5]), []
    health = Health("accounts", lambda: next(clock))
    health.changed = told.append
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            health.failed("No space left on device (state)")
        health.worked()
        health.worked()

    assert ["No space left on device (state)", ""] == told
    assert ["accounts: No space left on device (state)", "accounts: work again after 5.5 s and 3 failures"] == caplog.messages
