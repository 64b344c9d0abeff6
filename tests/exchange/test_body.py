import asyncio

import pytest

from outgate.exchange.body import MemoryPool, RequestBody
from outgate.net.headers import Headers
from outgate.upstreams.upload import UploadBrokenError

NO_LENGTH = Headers([])


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


def filled(pool, owner, left):
    """The pool when somebody has taken all but so much of it."""
    taken = pool.limit - left
    pool.held += taken
    pool._of[owner] = pool._of.get(owner, 0) + taken


@pytest.mark.parametrize("more", [0, 1])
def test_a_whole_upload_beyond_the_share_of_its_workload_is_refused_and_not_emptied(more):
    pool = MemoryPool(1000)
    body = RequestBody(pool, 1000, ("peer",))
    body.feed(b"object")
    body.end()
    body.pass_on(NO_LENGTH, 60.0)
    pool.acquire("app", more)
    filled(pool, "other", 10)
    body.belongs_to("app")

    assert "bodies_full" == body.refusal.code
    with pytest.raises(UploadBrokenError) as raised:
        asyncio.run(body.upload.piece())
    assert "bodies_full" == raised.value.denial.code
    assert pool._of.get("app", 0) == more


@pytest.mark.parametrize(("sent", "whole", "empty"), [(b"", True, True), (b"ab", True, False), (b"", False, False)])
def test_a_body_is_empty_once_that_is_known(sent, whole, empty):
    body = RequestBody(MemoryPool(1000), 1000, "app")
    body.feed(sent)
    if whole:
        body.end()

    assert empty == body.empty


def test_a_piece_beyond_what_is_free_breaks_the_upload_and_gives_nothing_back_that_was_not_taken():
    pool = MemoryPool(1000)
    body = RequestBody(pool, 1000, "app")
    body.pass_on(NO_LENGTH, 60.0)
    filled(pool, "other", 10)
    pool.acquire("app", 2)
    body.feed(bytes(20))
    body.feed(bytes(1))

    assert "bodies_full" == body.refusal.code
    assert {"app": 2, "other": 990} == pool._of
    assert 992 == pool.held


def test_what_came_before_an_upload_began_is_refused_where_there_is_no_room_for_it_any_more():
    pool = MemoryPool(1000)
    body = RequestBody(pool, 1000, "app")
    body.feed(bytes(20))
    body.end()
    pool.acquire("app", 400)
    filled(pool, "other", 600)
    body.pass_on(NO_LENGTH, 60.0)
    body.release()

    assert "bodies_full" == body.refusal.code
    assert 400 == pool._of["app"]
