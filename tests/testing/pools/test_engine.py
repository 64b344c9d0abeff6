"""A simulated engine: reads what it has not, keeps beginnings, answers side by side."""

from math import inf

import pytest

from outgate.testing.pools.engine import BLOCK, Engine, Model, Request


def _request(*blocks, output=10, at=0.0):
    names = tuple(each.to_bytes(8) for each in blocks)
    return Request(names, len(names) * BLOCK, output, (b"answer %d" % blocks[-1],), at)


def _run(engine, *requests):
    """Until every answer is complete; the time then."""
    for request in requests:
        engine.arrive(request, request.at)
    now = 0.0
    while engine.due < inf:
        now = engine.due
        engine.advance()
    return now


def test_the_first_word_comes_when_the_prompt_is_read():
    model, request = Model(), _request(*range(100))
    _run(Engine(model), request)

    assert request.first == pytest.approx(model.step + 100 * BLOCK / model.rate)


def test_a_prompt_that_was_read_is_read_no_more():
    engine, first, again = Engine(Model()), _request(*range(100)), _request(*range(50), *range(200, 210))
    _run(engine, first)
    _run(engine, again)

    assert (0, 50) == (first.hit, again.hit)
    assert 50 == engine.has(again.blocks[:50])


def test_long_prompts_are_read_in_chunks():
    model, request = Model(chunk=640), _request(*range(100))
    _run(Engine(model), request)

    assert request.first == pytest.approx(10 * model.step + 100 * BLOCK / model.rate)


def test_a_full_cache_forgets_the_longest_unused_ends_first():
    engine = Engine(Model(capacity=30 * BLOCK))
    _run(engine, old := _request(*range(20)))
    _run(engine, _request(*range(100, 115)))

    assert 0 < engine.has(old.blocks) < 20


def test_what_does_not_fit_waits():
    engine, first, second = Engine(Model(capacity=30 * BLOCK)), _request(*range(20)), _request(*range(100, 120))
    engine.arrive(first, 0.0)
    engine.arrive(second, 0.0)

    assert (1, True) == (engine.waiting, 0 < engine.used < 1)
    while engine.due < inf:
        engine.advance()
    assert first.first < second.first


def test_answers_go_on_side_by_side_and_a_leap_over_quiet_steps_changes_nothing():
    model = Model()
    long, late = _request(1, output=200), _request(2, output=5, at=1.0)
    engine = Engine(model)
    engine.arrive(long, 0.0)
    while engine.due <= late.at:
        engine.advance()
    engine.arrive(late, late.at)
    assert engine.due - late.at <= model.step + model.stream
    while engine.due < inf:
        engine.advance()

    assert late.first < 1.1
