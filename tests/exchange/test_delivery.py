import asyncio

import pytest

from outgate.dialects.registry import spec
from outgate.errors import Denial, FailureKind, UpstreamError, WireError
from outgate.exchange.channel import End, ResponseChannel, ResponseHead
from outgate.exchange.delivery import BrokenAnswerError, Delivery
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream, Text
from outgate.inference.usage import Usage
from outgate.net.headers import Headers

SSE = Headers([("content-type", "text/event-stream"), ("set-cookie", "no"), ("x-ratelimit-remaining-tokens", "9")])
JSON = Headers([("content-type", "application/json"), ("server", "no")])


class FakeEvent:
    def __init__(self, data, *, last=False, hidden=False, usage=None, text=""):
        self.data, self.last, self.hidden, self.usage = data, last, hidden, usage
        self.texts = (Text(0, text, Channel.ASSISTANT),) if text else ()
        self.closes, self.whole = (), False

    def encode(self):
        return self.data


async def source(*batches):
    for batch in batches:
        if isinstance(batch, Exception):
            raise batch
        yield batch


class Holding:
    """Holds every event back until flush."""

    def __init__(self):
        self.held = []

    def feed(self, event):
        if event.last:
            return [event]
        self.held.append(event)
        return []

    def flush(self):
        held, self.held = self.held, []
        return held


class Failing:
    def feed(self, event):
        raise RuntimeError("guard")

    def flush(self):
        return []


def deliver(stream, headers=SSE, status=200, unsettled=None):
    """What a client would take, and when settling happened."""
    taken, log = [], []

    async def settle():
        log.append(("settled", len(taken)))
        return unsettled

    async def go():
        channel = ResponseChannel()
        delivery = Delivery(channel, "req_1", spec("openai"))

        async def take():
            while not (taken and isinstance(taken[-1], End)):
                taken.extend(await channel.take())

        taker = asyncio.ensure_future(take())
        try:
            await delivery.run(status, headers, stream)
            await delivery.finish(settle)
            await taker
        finally:
            taker.cancel()
        return delivery

    with asyncio.Runner() as runner:
        return runner.run(go()), taken, log


def body(taken):
    return b"".join(part for part in taken if isinstance(part, bytes))


def test_a_stream_goes_out_event_by_event_and_settles_before_its_last():
    stream = EventStream(source([FakeEvent(b"1")], [FakeEvent(b"2")], [FakeEvent(b"[DONE]", last=True)]))
    _, taken, log = deliver(stream)

    assert [b"1", b"2", b"[DONE]"] == [part for part in taken if isinstance(part, bytes)]
    assert log[0][1] <= 3, "the terminator had not gone when the exchange was settled"


def test_events_that_are_ready_together_leave_together():
    stream = EventStream(source([FakeEvent(b"1"), FakeEvent(b"2")], [FakeEvent(b"3", last=True)]))
    _, taken, _ = deliver(stream)

    assert [part for part in taken if isinstance(part, bytes)] == [b"12", b"3"]


def test_a_whole_answer_is_one_part_with_its_length():
    stream = EventStream(source([FakeEvent(b'{"a":1}', last=True)]))
    _, taken, log = deliver(stream, JSON)

    head = taken[0]
    assert isinstance(head, ResponseHead)
    assert dict(head.headers)["content-length"] == "7"
    assert taken[1:] == [b'{"a":1}', End()]
    assert log == [("settled", 0)]


def test_only_listed_header_fields_reach_the_client():
    _, taken, _ = deliver(EventStream(source([FakeEvent(b"x", last=True)])))

    assert dict(taken[0].headers) == {
        "content-type": "text/event-stream",
        "x-ratelimit-remaining-tokens": "9",
        "x-outgate-request-id": "req_1",
        "transfer-encoding": "chunked",
    }


def test_what_a_transform_holds_back_goes_out_before_the_terminator():
    stream = EventStream(source([FakeEvent(b"1")], [FakeEvent(b"2")], [FakeEvent(b"[DONE]", last=True)]), (Holding(),))
    _, taken, _ = deliver(stream)

    assert body(taken) == b"12[DONE]"


def test_hidden_events_are_metered_and_not_sent():
    usage = Usage(input_tokens=1, output_tokens=2)
    stream = EventStream(source([FakeEvent(b"1")], [FakeEvent(b"usage", hidden=True, usage=usage)], [FakeEvent(b"!", last=True)]))
    delivery, taken, _ = deliver(stream)

    assert body(taken) == b"1!"
    assert delivery.usage == usage


@pytest.mark.parametrize("error", [WireError("truncated", "t"), UpstreamError(FailureKind.BROKEN_STREAM, "b", sent=True)])
def test_a_break_before_the_first_byte_is_told_as_not_started(error):
    with pytest.raises(BrokenAnswerError) as caught:
        deliver(EventStream(source(error)))

    assert (caught.value.started, caught.value.denial.status) == (False, 502)


def test_a_break_after_the_first_byte_is_told_as_started():
    with pytest.raises(BrokenAnswerError) as caught:
        deliver(EventStream(source([FakeEvent(b"1")], WireError("truncated", "t"))))

    assert caught.value.started


def test_a_stage_that_raises_releases_nothing_and_names_no_text():
    with pytest.raises(BrokenAnswerError) as caught:
        deliver(EventStream(source([FakeEvent(b"secret")]), (Failing(),)))

    assert (caught.value.denial.code, caught.value.started) == ("stage_failed", False)


def test_delivered_text_is_kept_until_usage_is_reported():
    stream = EventStream(source([FakeEvent(b"1", text="Hel")], [FakeEvent(b"2", text="lo")], [FakeEvent(b"3", last=True)]))
    delivery, _, _ = deliver(stream)

    assert ("".join(delivery.texts), delivery.usage) == ("Hello", None)


def test_an_answer_that_cannot_be_settled_is_not_completed():
    denial = Denial(code="stage_failed", status=503, message="m")
    with pytest.raises(BrokenAnswerError) as caught:
        deliver(EventStream(source([FakeEvent(b"{}", last=True)])), JSON, unsettled=denial)

    assert (caught.value.denial, caught.value.started) == (denial, False)
