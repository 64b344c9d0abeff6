"""Choice between keys: one is kept until it is limited or refused, and has its turn again."""

from outgate.upstreams.key_ring import KeyRing


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def ring(clock: Clock, *values: str) -> KeyRing[str]:
    made: KeyRing[str] = KeyRing(60.0, clock)
    made.hold(values)
    return made


def test_one_key_has_the_prompt_cache_while_it_works() -> None:
    clock = Clock()
    keys = ring(clock, "a", "b", "c")
    first = {keys.current() for _ in range(10)}
    keys.limited("a", 5.0)
    meanwhile = {keys.current() for _ in range(10)}
    clock.now += 5.0

    assert ({"a"}, {"b"}, "a") == (first, meanwhile, keys.current())


def test_rests_grow_until_the_key_works_again() -> None:
    clock = Clock()
    keys, waits = ring(clock, "a", "b"), []
    for _ in range(3):
        keys.limited("a", None)
        start = clock.now
        while keys.current() == "b":
            clock.now += 1
        waits.append(clock.now - start)
    keys.worked("a")
    keys.limited("a", None)
    clock.now += 60

    assert ([60, 120, 240], "a") == (waits, keys.current())


def test_the_keys_before_one_are_those_that_rest_or_were_refused() -> None:
    keys = ring(Clock(), "a", "b", "c", "d")
    keys.limited("a", 5.0)
    keys.refused("b")

    assert "c" == keys.current()
    assert ((1, False), (2, True)) == keys.before("c")
    assert () == keys.before("a")


def test_the_key_whose_rest_ends_first_is_used_where_all_rest() -> None:
    keys = ring(Clock(), "a", "b")
    keys.limited("a", 100.0)
    keys.limited("b", 50.0)

    assert ("b", False) == (keys.current(), keys.spare)


def test_a_refused_key_is_the_last_resort() -> None:
    keys = ring(Clock(), "a", "b")
    keys.refused("a")
    keys.limited("b", 50.0)

    assert "b" == keys.current()


def test_a_renewed_key_has_no_history_and_one_that_stays_keeps_its_own() -> None:
    keys = ring(Clock(), "a", "b")
    keys.refused("a")
    keys.refused("b")
    keys.hold(["b", "c"])

    assert ("c", 2) == (keys.current(), len(keys))


def test_no_key_is_none() -> None:
    assert (None, False) == (ring(Clock()).current(), ring(Clock()).spare)
