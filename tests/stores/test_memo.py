import os
from time import process_time

import pytest

from detectors.fakes import prompt
from outgate.inference.prompt import Prompt
from outgate.stores.memo import Memo


@pytest.fixture(name="memo")
def _memo() -> Memo:
    return Memo(bytes(32))


def test_what_was_put_is_found(memo: Memo) -> None:
    digest = memo.digest("text")
    memo.put("acme", "kind", digest, ("value",), 10)
    assert ("value",) == memo.get("acme", "kind", digest)
    assert [("value",), None] == memo.get_many("acme", "kind", [digest, memo.digest("other")])


def test_a_tenant_never_sees_what_another_put(memo: Memo) -> None:
    digest = memo.digest("text")
    memo.put("acme", "kind", digest, 1)
    assert (None, None) == (memo.get("emca", "kind", digest), memo.get("acme", "other", digest))


def test_tenant_and_kind_cannot_be_confused(memo: Memo) -> None:
    digest = memo.digest("text")
    memo.put("ab", "c", digest, 1)
    assert (None, None) == (memo.get("a", "bc", digest), memo.get("", "2:abc", digest))


def test_digests_depend_on_the_key_of_the_process() -> None:
    assert Memo(bytes(32)).digest("text") != Memo(b"\x01" * 32).digest("text")
    assert Memo(os.urandom(32)).digest("\ud800")


def test_an_empty_value_is_remembered(memo: Memo) -> None:
    memo.put("acme", "kind", memo.digest("text"), ())
    assert () == memo.get("acme", "kind", memo.digest("text"))


def test_the_least_recently_used_goes_first(memo: Memo) -> None:
    memo = Memo(bytes(32), max_entries=2)
    memo.put("t", "k", b"1", 1)
    memo.put("t", "k", b"2", 2)
    memo.get("t", "k", b"1")
    memo.put("t", "k", b"3", 3)
    assert [1, None, 3] == memo.get_many("t", "k", [b"1", b"2", b"3"])


def test_bytes_are_bounded_and_accounted() -> None:
    memo = Memo(bytes(32), max_bytes=10_000)
    for number in range(1_000):
        memo.put("t", "k", str(number).encode(), "x", 100)
    assert 9_000 < memo.size <= 10_000
    memo.put("t", "k", b"large", "x", 50_000)
    assert (0, 0) == (memo.size, memo.entries)


def test_a_value_put_again_replaces_the_old_one(memo: Memo) -> None:
    for _ in range(3):
        memo.put("t", "k", b"1", "x", 100)
    size = memo.size
    memo.put("t", "k", b"1", "y", 0)
    assert (1, size - 100, "y") == (memo.entries, memo.size, memo.get("t", "k", b"1"))


def test_many_tenants_leave_nothing_unbounded() -> None:
    memo = Memo(bytes(32), max_entries=10)
    for number in range(100):
        memo.put(f"tenant {number}", "k", b"1", number)
    assert 10 == memo.entries
    assert len(memo._spaces) <= 10


class _Counting(Memo):
    hashed = 0

    def digest(self, text: str) -> bytes:
        self.hashed += 1
        return super().digest(text)


def test_of_a_changed_prompt_only_what_changed_is_hashed() -> None:
    memo = _Counting(bytes(32))
    before = prompt("a", "b", "c")
    after = before.replace({1: "B"})
    digests = memo.digests(before)
    assert (digests[0], memo.digest("B"), digests[2]) == memo.digests(after, base=before)
    assert 2 == memo.hashed
    assert memo.digests(after) == Memo(bytes(32)).digests(after)


def test_a_base_of_another_shape_is_no_base(memo: Memo) -> None:
    assert memo.digests(prompt("a", "b")) == memo.digests(prompt("a", "b"), base=prompt("a"))


def test_digests_of_a_prompt_go_when_it_goes(memo: Memo) -> None:
    given: Prompt | None = prompt("a")
    memo.digests(given)
    assert 1 == len(memo._prompts)
    given = None
    assert 0 == len(memo._prompts)


def test_nothing_of_a_memo_is_printed(memo: Memo) -> None:
    memo.put("acme", "kind", memo.digest("text"), "canary")
    assert "Memo(1 entries, 280 bytes)" == repr(memo)


@pytest.mark.slow
def test_a_history_of_400_kilobytes_is_looked_up_in_milliseconds(memo: Memo) -> None:
    history = [f"{number} " + "word " * 130 for number in range(600)]
    for digest in memo.digests(prompt(*history)):
        memo.put("acme", "kind", digest, ())

    def cost() -> float:
        again, start = prompt(*history), process_time()
        assert None not in memo.get_many("acme", "kind", memo.digests(again))
        return process_time() - start

    assert min(cost() for _ in range(20)) < 0.01
