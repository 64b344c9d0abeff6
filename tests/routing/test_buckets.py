from outgate.routing.buckets import ranked

KEY = b"k" * 32
CALLERS = [f"caller {number}" for number in range(4000)]


def firsts(*targets):
    return [ranked(KEY, caller, targets)[0] for caller in CALLERS]


def test_shares_follow_the_weights():
    taken = firsts(("old", 95), ("new", 5))

    assert 0.03 < taken.count(1) / len(taken) < 0.07


def test_a_caller_stays_where_it_is_when_others_move():
    before, after = firsts(("old", 95), ("new", 5)), firsts(("old", 80), ("new", 20))
    moved = [(was, now) for was, now in zip(before, after, strict=True) if was != now]

    assert {(0, 1)} == set(moved)
    assert 0.12 < len(moved) / len(before) < 0.18


def test_the_draw_does_not_depend_on_order_or_neighbours():
    forwards, backwards = firsts(("old", 50), ("new", 50)), firsts(("new", 50), ("old", 50))

    assert forwards == [1 - index for index in backwards]


def test_a_target_of_weight_zero_is_never_drawn():
    assert [0] == ranked(KEY, "caller", [("old", 1), ("new", 0)])


def test_another_key_divides_otherwise():
    assert [ranked(b"x" * 32, caller, [("a", 1), ("b", 1)]) for caller in CALLERS[:64]] != [
        ranked(KEY, caller, [("a", 1), ("b", 1)]) for caller in CALLERS[:64]
    ]
