from outgate.exchange.body_account import BodyAccount


def most(account, owner, piece=1):
    """What the owner gets if it takes all it can."""
    taken = 0
    while account.take(owner, piece):
        taken += piece
    return taken


def test_one_owner_gets_half():
    assert 500 == most(BodyAccount(1000), "a")


def test_who_comes_when_another_has_filled_its_share_is_served():
    account = BodyAccount(1000)
    most(account, "a")

    assert [250, 125] == [most(account, "b"), most(account, "c")]


def test_all_that_want_all_they_can_get_have_the_same_in_the_end():
    account = BodyAccount(1000)
    held = {"a": most(account, "a"), "b": 0, "c": 0}
    for _ in range(2000):
        for owner, size in held.items():
            account.give(owner, min(1, size))
            held[owner] = max(0, size - 1)
        for owner in reversed(held):
            held[owner] += most(account, owner)

    assert account.held == sum(held.values()) <= 1000
    assert max(held.values()) - min(held.values()) <= 2


def test_what_is_given_back_can_be_taken_again():
    account = BodyAccount(1000)
    most(account, "a", 100)
    account.give("a", 500)

    assert (0, 500) == (account.held, most(account, "a", 100))


def test_nothing_is_always_granted_and_nobody_is_remembered_for_it():
    account = BodyAccount(10)
    most(account, "a")
    account.take("b", 0)
    account.give("b", 0)
    account.give("a", 5)

    assert {} == account._of


def test_what_is_refused_is_not_counted():
    account = BodyAccount(1000)

    assert not account.take("a", 501)
    assert (0, {}) == (account.held, account._of)
