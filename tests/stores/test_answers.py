import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgate.inference.usage import Usage
from outgate.stores.answers import CachedAnswer, MemoryAnswers


class Clock:
    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture(name="clock")
def _clock():
    return Clock()


AGE = 60.0


def entry(body=b"{}", created=1_000.0):
    return CachedAnswer(
        status=200, content_type="application/json", body=body, usage=Usage(input_tokens=1), created=created, revision="r1"
    )


def test_what_was_put_is_got(clock):
    answers, kept = MemoryAnswers(clock), entry()

    assert answers.put(b"k", kept)
    assert kept is answers.get(b"k", AGE)


def test_another_key_is_a_miss(clock):
    answers = MemoryAnswers(clock)
    answers.put(b"k", entry())

    assert answers.get(b"K", AGE) is None


def test_an_entry_is_gone_at_its_age(clock):
    answers = MemoryAnswers(clock)
    answers.put(b"k", entry())
    clock.now = 1_059.9
    before = answers.get(b"k", AGE)
    clock.now = 1_060.0

    assert before is not None
    assert answers.get(b"k", AGE) is None
    assert (0, 0) == (len(answers), answers.size)


def test_reading_does_not_make_an_entry_younger(clock):
    answers = MemoryAnswers(clock)
    answers.put(b"k", entry())
    for clock.now in (1_020.0, 1_040.0, 1_061.0):
        found = answers.get(b"k", AGE)

    assert found is None


def test_the_least_recently_used_entry_leaves_first(clock):
    answers = MemoryAnswers(clock, max_entries=2)
    answers.put(b"a", entry())
    answers.put(b"b", entry())
    answers.get(b"a", AGE)
    answers.put(b"c", entry())

    assert [True, False, True] == [answers.get(key, AGE) is not None for key in (b"a", b"b", b"c")]


def test_bytes_are_bounded(clock):
    answers = MemoryAnswers(clock, max_bytes=10_000)
    for number in range(100):
        answers.put(bytes([number]), entry(b"x" * 1_000))

    assert answers.size <= 10_000
    assert len(answers) == 10_000 // 1_512


def test_an_entry_too_large_is_not_kept_and_drops_nothing(clock):
    answers = MemoryAnswers(clock, max_bytes=10_000, max_entry_bytes=2_000)
    answers.put(b"a", entry())

    assert not answers.put(b"b", entry(b"x" * 2_001))
    assert answers.get(b"a", AGE) is not None
    assert answers.get(b"b", AGE) is None


def test_an_entry_larger_than_the_whole_store_is_not_kept(clock):
    answers = MemoryAnswers(clock, max_bytes=1_000, max_entry_bytes=5_000)

    assert not answers.put(b"b", entry(b"x" * 900))


def test_a_newer_entry_takes_the_place_of_the_older(clock):
    answers = MemoryAnswers(clock)
    answers.put(b"a", entry(b"long" * 100))
    answers.put(b"a", entry(b"new"))

    found = answers.get(b"a", AGE)
    assert found is not None
    assert b"new" == found.body
    assert 512 + 3 == answers.size


@given(st.lists(st.tuples(st.sampled_from(b"abcdef"), st.integers(0, 900), st.booleans()), max_size=60))
def test_accounts_are_right_whatever_happens(steps):
    clock = Clock()
    answers = MemoryAnswers(clock, max_bytes=4_000, max_entries=4, max_entry_bytes=800)
    for key, size, put in steps:
        clock.now += 1
        if put:
            answers.put(bytes([key]), entry(b"x" * size, clock.now))
        else:
            answers.get(bytes([key]), AGE)
        held = answers._entries.values()

        assert sum(512 + len(each.body) for each in held) == answers.size <= 4_000
        assert len(answers) <= 4


def test_an_answer_is_not_shown_by_its_entry():
    assert "secret" not in repr(entry(b"secret text"))
