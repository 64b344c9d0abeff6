"""The reason why a stream finished waits for its usage: see `exchange.delivery`."""

import asyncio

from exchange.test_delivery import FakeEvent, body, deliver, source
from outgate.inference.stream import EventStream, Finish
from outgate.inference.usage import Usage


def test_the_reason_why_it_finished_waits_for_the_usage():
    text, finish = FakeEvent(b"text ", text="x"), FakeEvent(b"stop ", finish=Finish.STOP)
    usage, done = FakeEvent(b"usage ", usage=Usage(output_tokens=5)), FakeEvent(b"done", last=True)
    sent = []

    async def stepwise():
        for event in (text, finish, usage, done):
            sent.append(body(taken))
            yield [event]
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    taken = []
    deliver(EventStream(stepwise()), taken=taken)

    assert [b"", b"text ", b"text ", b"text stop usage "] == sent
    assert b"text stop usage done" == body(taken)


def test_a_stream_without_usage_says_why_it_finished_at_its_end():
    events = [[FakeEvent(b"text ", text="x")], [FakeEvent(b"stop ", finish=Finish.STOP)], [FakeEvent(b"done", last=True)]]

    assert b"text stop done" == body(deliver(EventStream(source(*events)))[1])
    assert b"text stop " == body(deliver(EventStream(source(*events[:2])))[1])


def test_other_choices_go_on_while_one_has_finished():
    events = [[FakeEvent(b"a", text="x")], [FakeEvent(b"stop-a ", finish=Finish.STOP)], [FakeEvent(b"b ", text="y")]]

    assert b"ab stop-a " == body(deliver(EventStream(source(*events)))[1])
