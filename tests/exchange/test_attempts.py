import asyncio
from collections import namedtuple
from types import SimpleNamespace

import pytest

from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError, WireError
from outgate.exchange.attempts import AttemptPorts, Attempts
from outgate.inference.params import Params
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan, Step
from outgate.stages.dispatch import FailedAttempt
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.retry_budget import RetryBudget
from outgate.upstreams.retry_policy import RoutePolicy
from outgate.upstreams.wire import CutOffError

ONE = Endpoint(name="one", host="127.0.0.1", port=1)
TWO = Endpoint(name="two", host="127.0.0.1", port=2)
THREE = Endpoint(name="three", host="127.0.0.1", port=3)
BACKEND = Backend(name="b", provider="p", dialect="openai", host="api.test", endpoints=(ONE, TWO, THREE))
SLOTS = {"backend": 0, "endpoint.state": 1, "endpoint": 2, "r.status": 3, "r.stream": 4, "params": 5, "upload": 6}


def step(name, run, reads, writes, *, waits=False):
    view = namedtuple("Facts", [read.replace(".", "_") for read in reads])  # noqa: PYI024
    slots = [SLOTS[read] for read in reads]

    def get(values):
        return tuple(values[slot] for slot in slots)

    def failed(error):
        raise error

    return Step(
        name=name, run=run, view=view, get=get, out=tuple(SLOTS[w] for w in writes), waits=waits, limit=None, on_error=failed
    )


def pick(facts):
    left = [endpoint for endpoint in BACKEND.endpoints if endpoint.name not in facts.endpoint_state]
    return (left[0],) if left else (THREE,)


def execution(dispatch):
    plan = Plan(
        request=(
            step("pick_endpoint", pick, ("backend", "endpoint.state"), ("endpoint",)),
            step("dispatch", dispatch, ("endpoint",), ("r.status", "r.stream"), waits=True),
        ),
        first=SLOTS,
        final=SLOTS,
        size=len(SLOTS),
    )
    made = Execution(plan, lambda: 0)
    made.give({"backend": BACKEND, "endpoint.state": frozenset()})
    return made


def attempts(*, slept=None, ended=lambda _: None, **policy):
    """Attempts under a route's policy; `slept` takes the back-offs, `ended` the answers that have ended."""

    async def sleep(seconds):
        slept.append(seconds)

    credentials = SimpleNamespace(epoch=lambda _: 0, count=lambda _: 1, bound=lambda _: None, spare=lambda _: False)
    ports = AttemptPorts(
        credentials=credentials,
        budget=RetryBudget(lambda: 0.0),
        seconds=lambda: 0.0,
        wall=lambda: 0.0,
        sleep=sleep,
        jitter=lambda: 1.0,
        ended=ended,
    )
    return Attempts(ports, RoutePolicy(**policy), deadline=600.0)


def failure(kind, *, sent=False):
    return FailedAttempt(code="c", status=502, message="m", kind=kind, sent=sent)


def test_A18_a_refused_connection_goes_on_to_the_next_endpoint():
    async def dispatch(facts):
        return failure(FailureKind.CONNECT) if facts.endpoint is ONE else (200, None)

    made = attempts()
    done, ended = asyncio.run(made.run(execution(dispatch)))

    assert ended is None
    assert done.get("endpoint") is TWO
    assert [(record.endpoint, record.failure) for record in made.records] == [("one", FailureKind.CONNECT), ("two", None)]


def test_an_answer_that_breaks_off_is_told_of_the_attempt_that_gave_it():
    async def dispatch(facts):
        return failure(FailureKind.CONNECT) if facts.endpoint is ONE else (200, None)

    def told(cause):
        made = attempts()
        asyncio.run(made.run(execution(dispatch)))
        made.broke_off(cause)
        return [(record.endpoint, record.status, record.failure, record.reason) for record in made.records]

    first = ("one", None, FailureKind.CONNECT, None)
    stopped = UpstreamError(FailureKind.TIMEOUT, "m", reason=FailureReason.ANSWER_STOPPED)
    assert [first, ("two", 200, FailureKind.TIMEOUT, FailureReason.ANSWER_STOPPED)] == told(stopped)
    assert [first, ("two", 200, FailureKind.PROTOCOL, FailureReason.ANSWER_MALFORMED)] == told(WireError("c", "m"))
    assert [first, ("two", 200, None, None)] == told(ValueError("a stage of ours")), "not the provider's fault"


def test_an_end_is_told_of_an_answer_that_had_begun_well():
    async def dispatch(facts):
        return failure(FailureKind.CONNECT) if facts.endpoint is ONE else (status, None)

    def told(end):
        ended = []
        made = attempts(ended=ended.append, attempts=2)
        asyncio.run(made.run(execution(dispatch)))
        end(made)
        return [(record.endpoint, record.failure) for record in ended]

    status = 200
    broken = UpstreamError(FailureKind.BROKEN_STREAM, "m")
    assert [("two", None)] == told(lambda made: made.was_whole())
    assert [("two", FailureKind.BROKEN_STREAM)] == told(lambda made: made.broke_off(broken))
    assert [("two", FailureKind.SERVER_ERROR)] == told(lambda made: made.was_whole(FailureKind.SERVER_ERROR))
    assert [] == told(lambda made: made.broke_off(ValueError("a stage of ours")))
    status = 503
    assert [] == told(lambda made: made.was_whole()), "its head said already that it had failed"


def test_a_status_that_is_a_failure_is_one_of_the_answer():
    async def dispatch(facts):
        return (503, None) if facts.endpoint is ONE else (200, None)

    made = attempts()
    asyncio.run(made.run(execution(dispatch)))

    assert [FailureReason.ANSWER_ERROR_STATUS, None] == [record.reason for record in made.records]


def test_what_may_have_been_received_is_not_sent_again_unless_the_policy_says_so():
    async def dispatch(facts):
        return failure(FailureKind.RESET, sent=True) if facts.endpoint is ONE else (200, None)

    careful, bold = attempts(), attempts(sent=True)
    asyncio.run(careful.run(execution(dispatch)))
    asyncio.run(bold.run(execution(dispatch)))

    assert (len(careful.records), len(bold.records)) == (1, 2)


def test_a_lost_idle_connection_is_repeated_at_the_same_endpoint_where_the_policy_says_so():
    async def tried(made):
        kinds = iter((FailureKind.STALE, None))

        async def dispatch(facts):
            return failure(kind, sent=True) if (kind := next(kinds)) else (200, None)

        _, ended = await made.run(execution(dispatch))
        return ended, [record.endpoint for record in made.records]

    careful, bold = asyncio.run(tried(attempts())), asyncio.run(tried(attempts(sent=True)))

    assert (FailureKind.STALE, ["one"]) == (careful[0].kind, careful[1])
    assert (None, ["one", "one"]) == bold


def test_as_many_failures_as_there_are_attempts_left_do_not_end_the_search():
    async def dispatch(facts):
        return failure(FailureKind.CONNECT) if facts.endpoint is not THREE else (200, None)

    made = attempts()
    _, ended = asyncio.run(made.run(execution(dispatch)))

    assert (None, ["one", "two", "three"]) == (ended, [record.endpoint for record in made.records])


def test_attempts_are_bounded():
    async def dispatch(facts):
        return (503, None)

    made = attempts(attempts=2)
    done, ended = asyncio.run(made.run(execution(dispatch)))

    assert (ended, done.get("r.status"), len(made.records)) == (None, 503, 2)


def test_a_client_that_leaves_while_the_provider_is_asked_leaves_a_record_of_the_attempt():
    async def go(*, sent):
        asked = asyncio.Event()

        async def dispatch(facts):
            asked.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise (CutOffError if sent else asyncio.CancelledError) from None

        made = attempts()
        task = asyncio.ensure_future(made.run(execution(dispatch)))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return made.records

    records = asyncio.run(go(sent=True))

    assert [("one", None, None, True)] == [(record.endpoint, record.status, record.failure, record.sent) for record in records]
    assert [] == asyncio.run(go(sent=False)), "nothing was sent"


def test_an_attempt_that_is_cut_off_after_a_refused_one_has_no_status_of_its_own():
    async def go():
        async def dispatch(facts):
            if facts.endpoint is ONE:
                return (503, None)
            raise CutOffError

        made, first = attempts(), execution(dispatch)
        with pytest.raises(CutOffError):
            task = asyncio.current_task()
            task.cancel()  # the gateway's own end of the task, told in dispatch
            await made.run(first)
        task.uncancel()
        return made.records

    records = asyncio.run(go())

    assert [("one", 503), ("two", None)] == [(record.endpoint, record.status) for record in records]


@pytest.mark.parametrize("stream", [False, True])
def test_a_record_says_whether_a_stream_was_asked_for(stream):
    async def dispatch(facts):
        return (200, None)

    made, first = attempts(), execution(dispatch)
    first.give({"params": Params(stream=stream)})
    asyncio.run(made.run(first))

    assert [stream] == [record.streams for record in made.records]


@pytest.mark.parametrize(("begun", "records"), [(True, [("one", None, True)]), (False, [])])
def test_an_upload_that_breaks_is_an_attempt_once_some_of_it_may_have_been_sent(begun, records):
    async def dispatch(facts):
        return broken

    broken = Denial(code="body_timeout", status=408, message="m")
    made, first = attempts(), execution(dispatch)
    first.give({"upload": SimpleNamespace(begun=begun)})
    _, ended = asyncio.run(made.run(first))

    assert "body_timeout" == ended.code
    assert records == [(record.endpoint, record.failure, record.sent) for record in made.records]
