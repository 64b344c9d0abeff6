from outgate.inference.input_tokens import InputTokens


def bounded(most, count):
    """A bound, and how often its count was made."""
    made = []
    return InputTokens(most, lambda: made.append(count) or count), made


def test_nothing_is_counted_until_somebody_asks():
    tokens, made = bounded(90, 30)

    assert (90, None, 90, False) == (tokens.most, tokens.counted, tokens.bound, tokens.is_counted)
    assert [] == made


def test_the_count_is_made_once_and_is_the_bound_from_then_on():
    tokens, made = bounded(90, 30)

    assert (30, 30) == (tokens.exact(), tokens.exact())
    assert (30, 30, None, True) == (tokens.most, tokens.counted, tokens.bound, tokens.is_counted)
    assert [30] == made


def test_a_count_needs_no_other():
    assert (7, 7, None) == ((tokens := InputTokens(7)).exact(), tokens.counted, tokens.bound)


def test_a_window_with_room_enough_is_not_counted_for():
    tokens, made = bounded(90, 30)

    assert (110, []) == (tokens.room(200, 100), made)


def test_a_window_that_may_be_too_small_gets_the_count():
    tokens, made = bounded(90, 30)

    assert (120, [30]) == (tokens.room(150, 100), made)


def test_it_shows_what_it_knows():
    tokens, _ = bounded(90, 30)

    assert "InputTokens(<= 90)" == repr(tokens)
    tokens.exact()
    assert "InputTokens(30)" == repr(tokens)
