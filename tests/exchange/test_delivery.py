import asyncio
from dataclasses import replace

import pytest

from outgate.dialects.events import KEEP_ALIVE, Aside
from outgate.dialects.registry import spec
from outgate.errors import Denial, FailureKind, UpstreamError, WireError
from outgate.exchange.channel import End, ResponseChannel, ResponseHead
from outgate.exchange.delivery import BrokenAnswerError, Delivery
from outgate.exchange.echo import Echo
from outgate.exchange.judging import CutError
from outgate.exchange.said import Said
from outgate.inference import judge as judging
from outgate.inference.judge import Cut, Judge, Pass
from outgate.inference.prompt import Channel
from outgate.inference.stream import EventStream, Text
from outgate.inference.usage import Usage
from outgate.net.headers import Headers
from support.judging import Ended, Saying, guarded

SSE = Headers([("content-type", "text/event-stream"), ("set-cookie", "no"), ("x-ratelimit-remaining-tokens", "9")])
JSON = Headers([("content-type", "application/json"), ("server", "no")])


class FakeEvent:
    def __init__(self, data, *, last=False, hidden=False, usage=None, text="", finish=None):
        self.data, self.last, self.hidden, self.usage = data, last, hidden, usage
        self.texts = (Text(0, text, Channel.ASSISTANT),) if text else ()
        self.closes, self.whole, self.finish, self.calls_tool = (), False, finish, False

    def replace(self, changes):
        return self if all(text == self.texts[index].text for index, text in changes.items()) else FakeEvent(b"")

    def only(self, index, text):
        return FakeEvent(f"<{text}>".encode())

    def encode(self):
        return self.data


async def source(*batches):
    for batch in batches:
        if isinstance(batch, Exception):
            raise batch
        yield batch


class Holding(Judge):
    """Holds every text back until its end."""

    window = 1000

    def judge(self, part, text, final, /):
        return Pass()


class Failing(Judge):
    def judge(self, part, text, final, /):
        raise RuntimeError("guard")


REFUSED = Denial(code="refused", status=403, message="m")


def raising(error):
    def conclude(*_):
        raise error

    return conclude


def conclude(text, streams):
    return f"{text}|{streams}".encode()


def deliver(stream, *judges, headers=SSE, status=200, unsettled=None, taken=None, ending=None):
    """What a client would take, and when the exchange was closed."""
    taken, log = [] if taken is None else taken, []

    async def settle():
        log.append(("settled", len(taken)))
        return unsettled

    async def go():
        channel = ResponseChannel()
        words, said = conclude if ending is None else raising(ending), Said(len)
        openai = replace(spec("openai"), ending=Ended)
        delivery = Delivery(channel, "req_1", openai, guarded(*judges), words, said, Echo(()), lambda: 0.0)

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
            taken.extend(channel.take_nowait() or [])
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
    _, taken, log = deliver(stream, headers=JSON)

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


class Later:
    """Batches that each come a moment after they are asked for."""

    def __init__(self, *batches):
        self.batches = list(batches)

    def __aiter__(self):
        return self

    async def __anext__(self):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if not self.batches:
            raise StopAsyncIteration
        return self.batches.pop(0)


def test_the_head_of_a_stream_leaves_while_its_provider_lets_us_wait():
    taken = []
    with pytest.raises(CutError):
        deliver(EventStream(Later([FakeEvent(b"1", text="1")])), Failing(), taken=taken)

    assert [ResponseHead] == [type(part) for part in taken]


def test_signs_of_life_pass_by_the_judges_and_what_was_dropped_is_counted():
    class Withholding(Holding):
        window = None

    stream = EventStream(source([KEEP_ALIVE], [Aside("bad_json"), FakeEvent(b"1", text="one")], [FakeEvent(b"2", last=True)]))
    delivery, taken, _ = deliver(stream, Withholding())

    assert body(taken).startswith(b": keep-alive\n\n" * 2)
    assert {"bad_json": 1} == delivery.dropped


def test_words_take_the_place_of_a_stream_of_which_only_the_head_has_left():
    _, taken, _ = deliver(EventStream(Later(TEXTS)), Saying(judging.End("no")))

    assert (200, b"no|True") == (taken[0].status, body(taken))


def test_what_a_judge_holds_back_goes_out_before_the_terminator():
    events = [FakeEvent(b"1", text="one"), FakeEvent(b"2", text="two"), FakeEvent(b"[DONE]", last=True)]
    _, taken, _ = deliver(EventStream(source(*([event] for event in events))), Holding())

    assert body(taken) == b"<onetwo>[DONE]"


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


def test_a_judge_that_raises_releases_nothing_and_names_no_text():
    with pytest.raises(CutError) as caught:
        deliver(EventStream(source([FakeEvent(b"secret", text="secret")])), Failing())

    assert (caught.value.denial.code, caught.value.denial.stage) == ("stage_failed", "judge_0")


def refused(*batches, **fields):
    """What the client had when the third text was refused, and the denial."""
    cut, taken = Saying(Pass(0)), []
    cut.judge = lambda part, text, final: Cut(REFUSED) if text == "3" else Pass(0)
    with pytest.raises(CutError) as caught:
        deliver(EventStream(source(*batches)), cut, taken=taken, **fields)
    assert (REFUSED.code, "judge_0") == (caught.value.denial.code, caught.value.denial.stage)
    return body(taken)


TEXTS = [FakeEvent(str(number).encode(), text=str(number)) for number in range(1, 5)]


def test_what_was_judged_before_a_cut_goes_out_where_the_answer_has_begun():
    assert b"12" == refused(TEXTS[:1], TEXTS[1:])


def test_nothing_goes_out_before_a_cut_of_what_came_at_once():
    assert b"" == refused(TEXTS)
    assert b"" == refused(TEXTS, headers=JSON)


def test_a_judges_words_take_the_place_of_an_answer_that_has_not_begun():
    _, taken, log = deliver(EventStream(source(TEXTS)), Saying(judging.End("no")), headers=JSON, status=500)

    assert (200, b"no|False") == (taken[0].status, body(taken))
    assert log == [("settled", 0)]


def test_a_judges_words_complete_an_answer_that_has_begun():
    judge = Saying(Pass(0))
    judge.judge = lambda part, text, final: judging.End("no") if text == "3" else Pass(0)
    delivery, taken, _ = deliver(EventStream(source(TEXTS[:1], TEXTS[1:])), judge)

    assert b"12no after 12 in 0" == body(taken)
    assert not delivery.complete


def test_words_that_an_answer_cannot_be_ended_with_are_a_denial():
    with pytest.raises(CutError) as caught:
        deliver(EventStream(source(TEXTS)), Saying(judging.End("no")), ending=WireError("no_canned_answer", "m"))

    assert (403, "answer_refused", "judge_0") == (
        caught.value.denial.status,
        caught.value.denial.code,
        caught.value.denial.stage,
    )


def test_delivered_text_is_kept_until_usage_is_reported():
    stream = EventStream(source([FakeEvent(b"1", text="Hel")], [FakeEvent(b"2", text="lo")], [FakeEvent(b"3", last=True)]))
    delivery, _, _ = deliver(stream)

    assert (delivery.said.tokens, delivery.usage) == (len("Hello"), None)


def test_an_answer_that_cannot_be_settled_is_not_completed():
    denial = Denial(code="stage_failed", status=503, message="m")
    with pytest.raises(BrokenAnswerError) as caught:
        deliver(EventStream(source([FakeEvent(b"{}", last=True)])), headers=JSON, unsettled=denial)

    assert (caught.value.denial, caught.value.started) == (denial, False)
