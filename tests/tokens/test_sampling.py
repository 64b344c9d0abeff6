from random import Random

from outgate.tokens.encodings import load
from outgate.tokens.sampling import estimate

PROSE = "The gateway judges what leaves, and what it judged is what it sends. (See section 4, and the table.) " * 300
CODE = "def f(x):\n    return {'value': str(x) + \"text\"}  # comment 1234\n" * 500


def per_character(texts):
    return [len(text) for text in texts]


def test_a_uniform_rate_is_found_exactly():
    assert [1000, 20_000] == estimate(["a" * 1000, "b" * 20_000], per_character, Random(1))


def test_work_does_not_grow_with_length():
    seen = []

    def count(texts):
        seen.append(sum(map(len, texts)))
        return per_character(texts)

    estimate(["x" * 10_000], count, Random(1))
    estimate(["x" * 1_000_000], count, Random(1))

    assert seen[0] == seen[1] == 16 * 256


def test_many_small_texts_are_sampled_as_one():
    assert [7] * 3000 == estimate(["abcdefg"] * 3000, per_character, Random(1))


def test_estimates_of_mixed_text_lean_upward_and_stay_near():
    count = load("o200k_base").count
    text = PROSE + CODE
    (exact,) = count([text])
    estimates = [estimate([text], count, Random(seed))[0] for seed in range(200)]

    assert max(estimates) < exact * 1.35
    assert min(estimates) > exact * 0.93
    assert sum(value >= exact for value in estimates) > 180


def test_windows_move_so_that_no_place_is_safe_from_being_looked_at():
    places = set()

    def count(texts):
        places.update(text.index("!") for text in texts if "!" in text)
        return per_character(texts)

    text = "." * 30_000 + "!" + "." * 30_000
    for seed in range(300):
        estimate([text], count, Random(seed))

    assert places


def test_a_text_shorter_than_a_window_is_counted_whole():
    assert [100] == estimate(["z" * 100], per_character, Random(1))
