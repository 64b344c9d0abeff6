"""Run one exchange as one task, from the request's head to its closing line.

The connection of the client only feeds the body and takes parts out of the channel. Every end (answered, denied, failed, client
gone, killed) goes through `_close`, once.
"""

import logging
from asyncio import CancelledError, Task, TimerHandle, get_running_loop

from outgate.dialects.registry import dialect, operation_for
from outgate.errors import Denial, WireError
from outgate.exchange.attempts import Attempts
from outgate.exchange.base_path import at_v1
from outgate.exchange.body import RequestBody, too_large
from outgate.exchange.channel import Abort, End, RequestHead, ResponseChannel
from outgate.exchange.closing import ExchangeEnd, landed, run_close_stages, usage_of
from outgate.exchange.delivery import BrokenAnswerError, Delivery, answering, is_unread
from outgate.exchange.deps import NO_POLICY, ExchangeDeps, attempts_of, circle, denied, no_route, opening_facts
from outgate.exchange.echo import Echo
from outgate.exchange.guarded import Guarded, opened
from outgate.exchange.judging import CutError
from outgate.exchange.query_keys import without_keys
from outgate.exchange.receive import bound, facts_of, receive
from outgate.exchange.refused_inside import ANSWERED, telemetry_outcome, telemetry_reply
from outgate.exchange.replies import as_sent, conclusion, denial_reply, hint_of, speaker
from outgate.exchange.said import said_in
from outgate.inference import spending
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import EventStream
from outgate.net.headers import Headers
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Answer, Plan
from outgate.policy.live import Asked, LivePolicy, LiveRoute
from outgate.upstreams.catalog import Backend
from outgate.upstreams.events import UpstreamEvents

_log = logging.getLogger(__name__)
_CRASHED = Denial(code="internal_error", status=503, message="The gateway failed to handle this exchange.")
_STRANGER = (401, 407)
"""Whoever nobody knows is answered once: the connection is not kept, and what was sent ahead is not read."""
_CLIENT_GONE, _LATE = "client_gone", "deadline"
_READ_ON = 2.0
"""Seconds for which a stream that its client has left is read for its usage: the end of an answer is told in its last event."""
_DEADLINE = Denial(code="deadline_exceeded", status=504, message="The exchange exceeded its deadline.")


class Exchange:
    """One request and its response. `task` runs it; `execution` and `denial` are for the views, until `release`."""

    def __init__(self, head: RequestHead, deps: ExchangeDeps, body: RequestBody) -> None:
        self.head = head
        self.id = deps.ids()
        self.channel = ResponseChannel()
        self.body = body
        self.task: Task[None] | None = None
        self.execution: Execution | None = None
        self.outcome = ""
        self.denial: Denial | None = None
        self._deps = deps
        self._operation = Operation("none", Kind.OPAQUE)
        self._backend: Backend | None = None
        self._attempts: Attempts | None = None
        self._delivery: Delivery | None = None
        self._closed, self._cancelled_by, self._until = False, "", 0.0
        self._reading_on: TimerHandle | None = None

    def client_gone(self) -> None:
        """The client left: nothing more is done for it, only for others that wait for the same answer. Called from the event loop,
        at any moment.
        """
        if self._cancelled_by != _CLIENT_GONE:
            self._cancelled_by = _CLIENT_GONE
            self.channel.close()
            self._deps.flights.leave(self.id, self._leave)

    def _leave(self) -> None:
        if self._delivery is not None and self._delivery.leave():
            self._reading_on = get_running_loop().call_later(_READ_ON, self._cancel)
        else:
            self._cancel()

    def _cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """Run the whole exchange. Never raises."""
        policy = self._deps.policy()
        if policy is None:
            self._refuse(NO_POLICY)
            return
        policy.acquire()
        spending.begin()
        self._until = self._deps.seconds() + policy.gateway.limits.exchange_seconds
        deadline = get_running_loop().call_later(policy.gateway.limits.exchange_seconds, self._expire)
        try:
            await self._handle(policy)
        except CancelledError:
            await self._cancelled()
        except Exception:
            _log.exception("exchange %s failed", self.id)
            await self._fail(_CRASHED)
        finally:
            deadline.cancel()
            if self._reading_on is not None:
                self._reading_on.cancel()
            await self._end(policy)

    def release(self) -> None:
        """It has ended: whoever keeps it, until the collector of cycles comes by, keeps nothing of the request."""
        self.body.release()
        self.execution = self._delivery = None

    def _expire(self) -> None:
        self._cancelled_by = self._cancelled_by or _LATE
        self._cancel()

    async def _cancelled(self) -> None:
        if self._cancelled_by == _LATE:
            if self.task is not None:
                self.task.uncancel()
            await self._fail(_DEADLINE)
        else:
            self.outcome = self._cancelled_by or "killed"

    async def _handle(self, policy: LivePolicy) -> None:
        denial = await self._admit(policy) or await self._answer(policy)
        if denial is not None:
            await self._deny(denial, policy)

    async def _admit(self, policy: LivePolicy) -> Denial | None:
        """Judge the head alone: nothing of a body is read for a caller who may not be here."""
        backend = self._backend = policy.destination(self.head.destination)
        hint = backend.dialect if backend is not None else hint_of(self._host)
        self.head = head = without_keys(self.head, hint)
        problem = head.problem or circle(head, self._deps) or self._recognise(hint)
        self._begin(policy.head, policy)
        if problem is not None:
            return problem
        assert self.execution is not None
        ended = await self.execution.ensure(policy.head.request)
        denial = denied(policy, self.execution, head, ended)
        if denial is not None:
            return denial
        asked, limits = self._asked(), policy.gateway.limits
        routes = policy.candidates(asked)
        bound(self.body, self.head, self._operation, backend, limits, media=any(route.media for route in routes))
        return None if routes else no_route(asked)

    def _asked(self, model: str | None = None) -> Asked:
        assert self.execution is not None
        assert self._backend is not None
        path = self.head.path.partition("?")[0]
        return Asked(self._backend.name, self.head.method, path, self._operation.kind, model, self.execution.get("principal"))

    def _recognise(self, hint: str) -> Denial | None:
        """What the method and path ask for, in the dialect of the destination where they leave it open."""
        try:
            self.head = at_v1(self.head, self._backend)
            self._operation = operation_for(self.head.method, self.head.path, hint)
        except WireError as error:
            return Denial(code=error.code, status=400, message=str(error))
        return None

    async def _answer(self, policy: LivePolicy) -> Denial | None:
        assert self.execution is not None
        principal = self.execution.get("principal")
        self.body.belongs_to(principal.name)
        received = await receive(self.head, self._operation, self.body, policy.gateway.limits)
        if isinstance(received, Denial):
            return received
        request, text = received
        asked = self._asked(request.model)
        if (route := policy.match(asked)) is None:
            return no_route(asked)
        if text > policy.gateway.limits.body_bytes:
            return too_large(policy.gateway.limits.body_bytes, f"{text} bytes beside images, audio and files")
        admitted = self.execution
        execution = self._begin(route.plan, policy, route)
        execution.adopt(admitted)
        execution.give(facts_of(request, self.body.upload))
        del received, request  # from here on only the facts hold the body, so that `drop` lets it go
        return await self._converse(execution, route)

    async def _converse(self, execution: Execution, route: LiveRoute) -> Denial | None:
        self._attempts = attempts = attempts_of(self._deps, self.head, route.retry, self._until)
        execution, ended = await attempts.run(execution)
        self.execution = execution
        if isinstance(ended, Denial):
            return ended
        if isinstance(ended, Answer):
            execution.give(
                {"r.status": ended.status, "r.headers": ended.headers, "r.stream": ended.stream, "r.source": ended.source}
            )
        stream = execution.get("r.stream") if ended is None else ended.stream
        try:
            denial = await execution.ensure(execution.plan.response)
            judges = opened(execution, self._operation) if denial is None else denial
            if isinstance(judges, Denial):
                return judges
            assert isinstance(judges, Guarded)
            status, headers, stream = (execution.get(slot) for slot in ("r.status", "r.headers", "r.stream"))
            words = conclusion(execution, self._operation, self.id)
            said = said_in(execution, self._deps.tokenizers)
            echo = Echo(auth.echoes() if (auth := execution.get("wire.auth")) is not None else ())
            self._delivery = Delivery(self.channel, self.id, answering(self._operation), judges, words, said, echo, self._deps.wall)
            self._deps.watch(self.id, execution)
            execution.drop()
            if self.body.upload is None:
                self.body.release()
            if isinstance(stream.source, UpstreamEvents):
                stream.source.grown = self.body.answer_grown
            await self._deliver(execution, attempts, self._delivery, (status, headers, stream))
        finally:
            await stream.aclose()
        return None

    async def _deliver(
        self, execution: Execution, attempts: Attempts, delivery: Delivery, answer: tuple[int, Headers, EventStream]
    ) -> None:
        try:
            await delivery.run(*answer, unread=is_unread(self._operation.kind, *answer[:2]))
            if delivery.left:
                raise CancelledError  # its client had gone: it was read on for its usage
            self.outcome = self._cancelled_by or "answered"
            execution.give({"r.status": delivery.refused} if delivery.refused else {})
            attempts.was_whole(delivery.error)
            await delivery.finish(self._close)
        except BrokenAnswerError as error:
            attempts.broke_off(error.__cause__)
            await self._fail(error.denial)
        except CutError as cut:
            await self._fail(cut.denial, "denied")
        else:
            execution.give({"r.client": True})
            await execution.ensure(execution.plan.after)

    def _begin(self, plan: Plan, policy: LivePolicy, route: LiveRoute | None = None) -> Execution:
        """An execution of `plan` with the facts of the head."""
        head = self.head
        trace = self.execution.trace if self.execution is not None else []
        execution = self.execution = Execution(plan, self._deps.nanoseconds)
        execution.trace = trace
        execution.give(opening_facts(policy, head, self.id, self._deps.wall(), self._operation, route.name if route else ""))
        return execution

    async def _deny(self, denial: Denial, policy: LivePolicy) -> None:
        denial = as_sent(denial, self._dialect)
        telemetry = telemetry_outcome(policy.gateway.telemetry_hosts, self.head, denial)
        self.outcome, self.denial = telemetry or "denied", denial if telemetry != ANSWERED else None
        await self._close()
        if self.denial is None:
            self.channel.offer(telemetry_reply(self.head))
        else:
            self._refuse(denial)

    async def _fail(self, denial: Denial, outcome: str = "failed") -> None:
        """The end of an answer at any moment: an error answer before the first byte, the dialect's error event after it."""
        self.outcome, self.denial = outcome, as_sent(denial, self._dialect)
        await self._close()
        if self._delivery is None or not self._delivery.started:
            self._refuse(denial)
        elif self._delivery.unread:
            self.channel.offer([Abort(denial.message)])
        else:
            self.channel.offer([dialect(self._dialect).error_event(denial, self.id), End()])

    def _refuse(self, denial: Denial) -> None:
        close = self.head.connection.refused or denial.status in _STRANGER
        self.channel.offer(denial_reply(denial, self._dialect, self.id, close=close))

    @property
    def _dialect(self) -> str:
        """The dialect in which the caller is answered."""
        return speaker(self._operation, self._backend.dialect if self._backend is not None else None, self._host)

    @property
    def _host(self) -> str:
        return self.head.destination.rpartition(":")[0]

    async def _end(self, policy: LivePolicy) -> None:
        try:
            await self._close()
        finally:
            self._deps.flights.end(self.id, landed(self.execution, self.outcome, self._attempts))
            policy.release()
            if self.outcome in ("client_gone", "killed"):
                self.channel.close()

    async def _close(self) -> Denial | None:
        """Run the close stages, exactly once. A denial says that this failed: then the response must not be completed."""
        if self._closed or self.execution is None:
            return None
        self._closed = True
        if self._attempts is not None and self._delivery is not None:
            self._attempts.dropped(self._delivery.dropped)
        attempts = tuple(self._attempts.records) if self._attempts is not None else ()
        calls = self._delivery.calls.number if self._delivery is not None else 0
        end = ExchangeEnd(self.outcome or "failed", self.denial, attempts, usage_of(self.execution, self._delivery), calls)
        return await run_close_stages(self.execution, end, f"exchange {self.id}")
