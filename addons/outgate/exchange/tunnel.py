"""Judge CONNECT by the connection plan. A tunnel that is denied gets its closing line, as every request does."""

import logging

from outgate.errors import Denial
from outgate.exchange.channel import RequestHead
from outgate.exchange.closing import ExchangeEnd, run_close_stages
from outgate.exchange.deps import ExchangeDeps, denied, opening_facts
from outgate.net.connection import Connection
from outgate.net.headers import Headers
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan
from outgate.policy.live import LivePolicy

_log = logging.getLogger(__name__)
FAILED = Denial(code="internal_error", status=503, message="The gateway failed to judge this connection.")


class Tunnel:
    """One CONNECT request. `destination` is a canonical `host:port`, empty where `problem` says why there is none."""

    def __init__(self, request_id: str, conn: Connection, destination: str, problem: Denial | None, deps: ExchangeDeps) -> None:
        self.id = request_id
        self.execution: Execution | None = None
        self._head = RequestHead(conn, "CONNECT", "", Headers(), destination, problem)
        self._deps = deps

    async def judge(self, policy: LivePolicy) -> Denial | None:
        """None opens it. A refusal is in the audit by then."""
        policy.acquire()
        try:
            execution = self.execution = self._begin(policy.connect, policy)
            try:
                denial = self._head.problem or await self._judged(policy, execution)
            except Exception:
                _log.exception("CONNECT could not be judged")
                denial = FAILED
            if denial is not None:
                await self._close(policy, execution, denial)
            return denial
        finally:
            policy.release()

    async def _judged(self, policy: LivePolicy, execution: Execution) -> Denial | None:
        ended = await execution.ensure(policy.connect.request)
        return denied(policy, execution, self._head.destination, ended)

    async def _close(self, policy: LivePolicy, judged: Execution, denial: Denial) -> None:
        """The close stages are those of a request's head: a tunnel's plan has none, for one that opens has not ended."""
        execution = self._begin(policy.head, policy)
        execution.adopt(judged)
        execution.trace = judged.trace
        await run_close_stages(execution, ExchangeEnd("denied", denial), f"the refused tunnel {self.id}")

    def _begin(self, plan: Plan, policy: LivePolicy) -> Execution:
        execution = Execution(plan, self._deps.nanoseconds)
        execution.give(opening_facts(policy, self._head, self.id, self._deps.wall()))
        return execution
