"""Judge CONNECT by the connection plan. A tunnel that is denied gets its closing line, as every request does."""

import logging
from collections.abc import Container

from outgate.errors import Denial
from outgate.exchange.channel import RequestHead
from outgate.exchange.closing import ExchangeEnd, run_close_stages
from outgate.exchange.deps import ExchangeDeps, denied, opening_facts
from outgate.exchange.refused_inside import RefusedNames, telemetry_outcome
from outgate.net.connection import Connection
from outgate.net.headers import Headers
from outgate.pipeline.executor import Execution
from outgate.pipeline.plan import Plan
from outgate.policy.live import LivePolicy

_log = logging.getLogger(__name__)
FAILED = Denial(code="internal_error", status=503, message="The gateway failed to judge this connection.")


class Tunnel:
    """One CONNECT request. `destination` is a canonical `host:port`, empty where `problem` says why there is none. `refused` says
    why a tunnel leads nowhere that was opened to tell its workload so.
    """

    def __init__(self, request_id: str, conn: Connection, destination: str, problem: Denial | None, deps: ExchangeDeps) -> None:
        self.id = request_id
        self.execution: Execution | None = None
        self.refused: Denial | None = None
        self._head = RequestHead(conn, "CONNECT", "", Headers(), destination, problem)
        self._deps = deps

    async def judge(self, policy: LivePolicy, names: RefusedNames | None = None, own: Container[str] = ()) -> Denial | None:
        """None opens it. A refusal is in the audit by then, but for one that is told inside: see `refused` and `unused`."""
        policy.acquire()
        try:
            execution = self.execution = self._begin(policy.connect, policy)
            try:
                denial = self._head.problem or await self._judged(policy, execution)
            except Exception:
                _log.exception("CONNECT could not be judged")
                denial = FAILED
            if denial is None or self._told_inside(policy, execution, denial, names, own):
                return None
            await self._close(policy, execution, denial)
            return denial
        finally:
            policy.release()

    async def refuse(self, denial: Denial) -> Denial:
        """Refuse one that would be opened, for a reason of the connection's own; its line is in the audit by then."""
        self.refused = denial
        await self.unused()
        return denial

    async def unused(self) -> None:
        """A tunnel that leads nowhere has ended, and nothing was asked in it: its line tells what the CONNECT's would have."""
        policy = self._deps.policy()
        if policy is not None and self.refused is not None and self.execution is not None:
            policy.acquire()
            try:
                await self._close(policy, self.execution, self.refused)
            finally:
                policy.release()

    def _told_inside(
        self, policy: LivePolicy, execution: Execution, denial: Denial, names: RefusedNames | None, own: Container[str]
    ) -> bool:
        if names is None or denial.status != 403 or telemetry_outcome(policy.gateway.telemetry_hosts, self._head, denial):
            return False
        if not names.admits(policy.gateway, execution.get("principal"), self._head.destination, own):
            return False
        self.refused = denial
        return True

    async def _judged(self, policy: LivePolicy, execution: Execution) -> Denial | None:
        ended = await execution.ensure(policy.connect.request)
        return denied(policy, execution, self._head, ended)

    async def _close(self, policy: LivePolicy, judged: Execution, denial: Denial) -> None:
        """The close stages are those of a request's head: a tunnel's plan has none, for one that opens has not ended."""
        execution = self._begin(policy.head, policy)
        execution.adopt(judged)
        execution.trace = judged.trace
        outcome = telemetry_outcome(policy.gateway.telemetry_hosts, self._head, denial) or "denied"
        await run_close_stages(execution, ExchangeEnd(outcome, denial), f"the refused tunnel {self.id}")

    def _begin(self, plan: Plan, policy: LivePolicy) -> Execution:
        execution = Execution(plan, self._deps.nanoseconds)
        execution.give(opening_facts(policy, self._head, self.id, self._deps.wall()))
        return execution
