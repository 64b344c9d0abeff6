from types import SimpleNamespace

from outgate.upstreams.retry_budget import RetryBudget


def budget(requests):
    clock = SimpleNamespace(now=0.0)
    made = RetryBudget(lambda: clock.now)
    for _ in range(requests):
        made.asked("p")
    return made, clock


def granted(made, share=0.2, provider="p"):
    count = 0
    while made.allows(provider, share) and count < 1000:
        made.spend(provider)
        count += 1
    return count


def test_A25_a_retry_storm_is_a_fifth_of_the_requests_at_most():
    made, _ = budget(200)

    assert 40 == granted(made)


def test_a_provider_of_few_requests_gets_ten():
    made, _ = budget(3)

    assert (10, 10) == (granted(made), granted(made, provider="other"))


def test_what_is_older_than_ten_seconds_is_forgotten():
    made, clock = budget(200)
    granted(made)
    clock.now = 10.1

    assert 10 == granted(made)
