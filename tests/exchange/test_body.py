from outgate.exchange.body import MemoryPool


def most(pool, owner, piece=1):
    """What the owner gets if it takes all it can."""
    taken = 0
    while pool.acquire(owner, piece):
        taken += piece
    return taken


def test_one_owner_gets_half():
    assert 500 == most(MemoryPool(1000), "a")


def test_who_comes_when_another_has_filled_its_share_is_served():
    pool = MemoryPool(1000)
    most(pool, "a")

    assert [250, 125] == [most(pool, "b"), most(pool, "c")]


def test_all_that_want_all_they_can_get_have_the_same_in_the_end():
    pool = MemoryPool(1000)
    held = {"a": most(pool, "a"), "b": 0, "c": 0}
    for _ in range(2000):
        for owner, size in held.items():
            pool.release(owner, min(1, size))
            held[owner] = max(0, size - 1)
        for owner in reversed(held):
            held[owner] += most(pool, owner)

    assert pool.held == sum(held.values()) <= 1000
    assert max(held.values()) - min(held.values()) <= 2


def test_what_is_given_back_can_be_taken_again():
    pool = MemoryPool(1000)
    most(pool, "a", 100)
    pool.release("a", 500)

    assert (0, 500) == (pool.held, most(pool, "a", 100))


def test_nothing_is_always_granted_and_nobody_is_remembered_for_it():
    pool = MemoryPool(10)
    most(pool, "a")
    pool.acquire("b", 0)
    pool.release("b", 0)
    pool.release("a", 5)

    assert {} == pool._of


def test_what_is_refused_is_not_counted():
    pool = MemoryPool(1000)

    assert not pool.acquire("a", 501)
    assert (0, {}) == (pool.held, pool._of)
