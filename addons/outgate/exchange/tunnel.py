"""Judge CONNECT by the connection plan. A tunnel that is denied gets its closing line, as every request does."""

import logging

from outgate.errors import Denial
from outgate.exchange.closing import ExchangeEnd, run_close_stages
from outgate.exchange.exchange import NO_DESTINATION, ExchangeDeps
from outgate.net.connection import Connection
from outgate.net.headers import Headers
from outgate.pipeline.executor import Execution
from outgate.policy.live import LivePolicy

_log = logging.getLogger(__name__)
FAILED = Denial(code="internal_error", status=503, message="The gateway failed to judge this connection.")


class Tunnel:
    """One CONNECT request. `destination` is a canonical `host:port`, empty where `problem` says why there is none."""

    def __init__(self, conn: Connection, destination: str, problem: Denial | None, deps: ExchangeDeps) -> None:
        self.conn, self.destination, self.problem = conn, destination, problem
        self._deps = deps

    async def judge(self, policy: LivePolicy) -> Denial | None:
        """None opens it. A refusal is in the audit by then."""
        policy.acquire()
        try:
            execution = Execution(policy.connect, self._deps.nanoseconds)
            try:
                denial = await self._judged(policy, execution)
            except Exception:
                _log.exception("CONNECT could not be judged")
                denial = FAILED
            if denial is not None:
                await self._close(policy, execution, denial)
            return denial
        finally:
            policy.release()

    async def _judged(self, policy: LivePolicy, execution: Execution) -> Denial | None:
        if self.problem is not None:
            return self.problem
        self._give(execution, policy)
        ended = await execution.ensure(policy.connect.request)
        if policy.destination(self.destination) is None:
            return NO_DESTINATION  # whoever asks; but the line tells who it was
        return ended if isinstance(ended, Denial) else None

    async def _close(self, policy: LivePolicy, judged: Execution, denial: Denial) -> None:
        """The close stages are those of a request's head: a tunnel's plan has none, for one that opens has not ended."""
        execution = Execution(policy.head, self._deps.nanoseconds)
        self._give(execution, policy)
        execution.adopt(judged)
        execution.trace = judged.trace
        exchange = self._deps.ids()
        execution.give({"exchange.id": exchange, "started": self._deps.wall()})
        await run_close_stages(execution, ExchangeEnd("denied", denial), f"the refused tunnel {exchange}")

    def _give(self, execution: Execution, policy: LivePolicy) -> None:
        execution.give(
            {
                "conn": self.conn,
                "destination": self.destination,
                "method": "CONNECT",
                "headers": Headers(),
                "policy.revision": policy.revision,
            }
        )
