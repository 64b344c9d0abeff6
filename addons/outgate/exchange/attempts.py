"""Retry upstream attempts until an answer begins; only the stages that depend on the failure run again.

`retry_policy.decide` says where the next attempt goes; this only carries it out. Each attempt runs on a fork of the slots. When
nothing would run differently, or nothing is left to try, the last answer or failure stands: the caller sees the provider's own
error rather than an invented one.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from outgate.errors import Denial, FailureKind, FailureReason, UpstreamError, WireError
from outgate.exchange.failures import Ended, Failed, beginning, failure_of
from outgate.inference.attempt import AttemptRecord, NotAsked, PassedOver
from outgate.pipeline.executor import Execution
from outgate.stages.dispatch import FailedAttempt
from outgate.stages.pick_endpoint import NONE_LEFT
from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.credentials import BoundCredential, Credentials
from outgate.upstreams.quotas import spent_for
from outgate.upstreams.reasons import CutOffError
from outgate.upstreams.retry_budget import RetryBudget
from outgate.upstreams.retry_policy import Clock, Health, Retry, RoutePolicy, Stand, Tried, Where, Why, decide

CREDENTIAL_REFUSED = Denial(
    code="upstream_credential_refused",
    status=502,
    message="The provider refused the gateway's own credential. Yours was accepted; the gateway's operator must mend this.",
)
_NONE_LEFT = frozenset({"no_provider", "no_backend", NONE_LEFT})
"""Denials that say no more than that there is no other place; any other one tells why that place was not asked."""
_STATE = {Where.PROVIDER: "provider.state", Where.MODEL: "model.state"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPorts:
    """What attempts ask of the process. `seconds` is monotonic, `wall` reads dates of Retry-After, `jitter` spreads back-offs;
    `attempted` is told of each attempt when it has failed or its answer has begun, `ended` of an answer that has ended;
    `members` are the replicas of a backend as they are listed now, `passed_over` is what an attempt did not use for its state.
    """

    credentials: Credentials
    budget: RetryBudget
    seconds: Callable[[], float]
    wall: Callable[[], float]
    attempted: Callable[[AttemptRecord], None] = lambda _: None
    ended: Callable[[AttemptRecord], None] = lambda _: None
    members: Callable[[Backend], Sequence[Endpoint]] = attrgetter("endpoints")
    passed_over: Callable[[Execution], tuple[PassedOver, ...]] = lambda _: ()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[], float] = random.random


class Attempts:
    """The attempts of one exchange under the policy of its route, which ends at `deadline` (monotonic seconds). `via` names the
    gateways that the request has passed, with this one.
    """

    def __init__(self, ports: AttemptPorts, policy: RoutePolicy, deadline: float, via: str = "") -> None:
        self._ports, self._policy, self._deadline, self._via = ports, policy, deadline, via
        self._tried = Tried(0)
        self._exhausted = self._keyless = False
        self._barred = ""
        self._refusing: frozenset[tuple[str, str]] = frozenset()
        self._withdrawn: Denial | None = None
        self._refused: list[BoundCredential] = []
        self.records: list[AttemptRecord] = []

    async def run(self, first: Execution) -> tuple[Execution, Ended]:
        """Bring the request plan up to date, again and again, until an answer or a failure stands."""
        first.give({"patience": self._policy.per_try or None, "via": self._via})
        execution, ended = first, await self._once(first)
        failed = self._failed
        if self.records:
            self._ports.budget.asked(_provider(execution))
        while failed is not None and isinstance(step := self._decide(execution, failed), Retry):
            following, outcome = await self._again(execution, failed, step)
            if following is not None:
                await _abandon(execution)
                execution, ended, failed = following, outcome, self._failed
        if failed is not None and self._withdrawn is not None:  # what stood was given up for another attempt
            ended = ended or self._withdrawn
        if failed is not None and ended is None:  # it is charged as an answer, not as one that was lost
            self._tell(status=execution.get("r.status"))
        if failed is not None and failed.kind is FailureKind.UNAUTHORIZED and _is_ours(execution):
            await _abandon(execution)
            ended = CREDENTIAL_REFUSED
        return execution, ended

    def broke_off(self, cause: BaseException | None) -> None:
        """The answer that was being delivered could not be completed: its attempt has failed after all, and says why."""
        if isinstance(cause, UpstreamError):
            self._finished(failure=cause.kind, reason=cause.reason)
        elif isinstance(cause, WireError):
            fault = f"{cause.code}: {cause}"
            self._finished(failure=FailureKind.PROTOCOL, reason=FailureReason.ANSWER_MALFORMED, fault=fault)

    def was_whole(self, error: FailureKind | None = None) -> None:
        """The answer that was being delivered came to its end, which was an error in the words of its API, or not."""
        self._finished(**({"failure": error, "reason": FailureReason.ANSWER_ERROR_STATUS} if error is not None else {}))

    def dropped(self, faults: Mapping[str, int]) -> None:
        """So many events of the answer that was delivered could not be read."""
        if faults:
            self._told(dropped=tuple(sorted(faults.items())))

    def _finished(self, **fields: Any) -> None:
        """The answer that stands has ended so. One that was a failure from its head on was observed as that."""
        before, now = self._told(**fields)
        if now is not None and before is not None and before.failure is None:
            self._ports.ended(now)

    def _told(self, **fields: Any) -> tuple[AttemptRecord, AttemptRecord] | tuple[None, None]:
        """What is known now of the attempt whose answer stands: as it was before, and as it is now."""
        at = max((at for at, record in enumerate(self.records) if record.status is not None), default=None)
        if at is None:
            return None, None
        before = self.records[at]
        self.records[at] = replace(before, **fields) if fields else before
        return before, self.records[at]

    def _decide(self, execution: Execution, failed: Failed) -> Retry | Stand:
        backend = execution.get("backend")
        credentials, holder = self._ports.credentials, _holder(execution)
        again = any(credentials.bound(holder) is each for each in self._refused)
        refreshed = self._keyless or again or len(self._refused) > max(1, credentials.count(holder))
        tried = self._tried._replace(attempts=len(self.records), refreshed=refreshed)
        clock = Clock(self._deadline - self._ports.seconds(), self._ports.jitter())
        members, out = self._ports.members(backend), self._out(execution) | {execution.get("endpoint").name}
        left = 0 if self._exhausted else sum(each.name not in out for each in members)
        health = Health(left, self._ports.budget.allows(backend.provider, self._policy.share), self._spare(execution))
        step = decide(failed.failure(self._ports.wall()), tried, self._policy, health, clock)
        upload = execution.get("upload")
        if upload is not None and upload.begun:  # it comes once: nobody has what was sent of it
            step = Stand(Why.SENT)
        told = step.where if isinstance(step, Retry) else step.reason
        codes = [each.code for each in self.records[-1].not_asked]
        self._tell(followed=self._barred or (codes[-1] if codes else told) if told is Why.NOWHERE else told)
        return step

    async def _again(self, execution: Execution, failed: Failed, step: Retry) -> tuple[Execution | None, Ended]:
        """The execution of another attempt and its end; no execution where nothing ran differently."""
        following, tried = execution.fork(), len(self.records)
        for_key = self._for_key(execution, failed)
        self._dirty(following, step.where, for_key=for_key)
        if step.after:
            await _abandon(execution)
            self._tell(waited=step.after)
            await self._ports.sleep(step.after)
        outcome = await self._once(following)
        if len(self.records) == tried:
            denial = outcome if isinstance(outcome, Denial) else None
            self._barred = denial.code if denial is not None and denial.code not in _NONE_LEFT else ""
            if step.after and denial is not None:
                self._withdrawn = denial
            if denial is None or step.where not in _STATE or not self._passed_over(following, denial):
                self._nothing_there(step.where, for_key=for_key)
            return None, None
        if step.where in (Where.SAME, Where.ENDPOINT):
            self._ports.budget.spend(_provider(execution))
        self._withdrawn, self._refusing = None, frozenset()
        same = self._tried.same + 1 if step.where is Where.SAME else 0
        self._tried = self._tried._replace(same=same, stuck=False, nowhere=False)
        if step.where is not Where.SAME:
            self._exhausted = self._keyless = False
        return following, outcome

    def _passed_over(self, execution: Execution, denial: Denial) -> bool:
        """Whether what was denied is another target of the alias: the next decision goes on to the one behind it."""
        provider, model = execution.get("provider"), execution.get("model") or ""
        gone = (execution.get("provider.state") or (), execution.get("model.state") or ())
        if not provider or provider in gone[0] or (provider, model) in gone[1]:
            return False
        self._refusing |= {(provider, model)}
        self._tell(not_asked=(*self.records[-1].not_asked, NotAsked(provider, model, denial.code)))
        return True

    def _nothing_there(self, where: Where, *, for_key: bool) -> None:
        """Nothing was tried there. The next decision does not go there again, whatever the reason was: so the search ends."""
        if where is Where.ENDPOINT:
            self._exhausted = True
        elif where is not Where.SAME:
            self._tried = self._tried._replace(nowhere=True)
        elif for_key:
            self._keyless = True
        else:
            self._tried = self._tried._replace(stuck=True)

    def _for_key(self, execution: Execution, failed: Failed) -> bool:
        """Whether the next attempt differs in its key alone."""
        return failed.kind is FailureKind.UNAUTHORIZED or (failed.kind is FailureKind.RATE_LIMITED and self._spare(execution))

    def _dirty(self, execution: Execution, where: Where, *, for_key: bool) -> None:
        """Write the outside facts from which follows what runs again."""
        if for_key:
            execution.give({"credential.epoch": self._ports.credentials.epoch(_holder(execution))})
        elif where is Where.SAME:
            execution.seen.pop("dispatch", None)
        elif where is Where.ENDPOINT:
            execution.give({"endpoint.state": self._out(execution) | {execution.get("endpoint").name}})
        else:
            self._leave(execution, where)

    def _leave(self, execution: Execution, where: Where) -> None:
        """Another provider or model has endpoints of its own. Where no model was asked for there is only another provider."""
        provider, model = _provider(execution), execution.get("model")
        where = where if model else Where.PROVIDER
        if self._refusing:
            execution.give({"model.state": (execution.get("model.state") or frozenset()) | self._refusing})
        fact, gone = _STATE[where], provider if where is Where.PROVIDER else (provider, model)
        execution.give({fact: (execution.get(fact) or frozenset()) | {gone}, "endpoint.state": frozenset()})

    def _out(self, execution: Execution) -> frozenset[str]:
        return execution.get("endpoint.state") or frozenset()

    async def _once(self, execution: Execution) -> Ended:
        self._failed: Failed | None = None
        start, before = self._ports.seconds(), execution.seen.get("dispatch")
        try:
            ended = await execution.ensure(execution.plan.request)
        except CutOffError:
            self.records.append(self._record(execution, start))
            raise
        if isinstance(ended, FailedAttempt) or (ended is None and execution.seen.get("dispatch") is not before):
            began = await beginning(execution, ended, self._policy, start + self._policy.per_try - self._ports.seconds())
            self._failed = failure_of(execution, ended, began)
            self._learn(execution, ended)
            self.records.append(self._record(execution, start, self._failed, answered=ended is None))
            self._ports.attempted(self.records[-1])
        elif isinstance(ended, Denial) and (upload := execution.get("upload")) is not None and upload.begun:
            self.records.append(self._record(execution, start))  # its client broke it, when the provider may have had some of it
        return ended

    def _spare(self, execution: Execution) -> bool:
        """Whether another key of the provider may be asked with."""
        return not self._keyless and self._ports.credentials.spare(_holder(execution))

    def _learn(self, execution: Execution, ended: Ended) -> None:
        """Tell the keys of the provider what became of the one that was used."""
        backend, auth, failed = _holder(execution), execution.get("wire.auth"), self._failed
        if auth is None or auth.own or ended is not None:
            return
        if failed is None:
            self._ports.credentials.worked(backend, auth, spent_for(execution.get("r.headers"), self._ports.wall()))
        elif failed.kind is FailureKind.UNAUTHORIZED:
            self._ports.credentials.refused(backend, auth)
            self._refused.append(auth)
        elif failed.kind is FailureKind.RATE_LIMITED:
            self._ports.credentials.limited(backend, auth, failed.failure(self._ports.wall()).retry_after)

    def _tell(self, **fields: Any) -> None:
        """Write more of the last attempt into its record."""
        self.records[-1] = replace(self.records[-1], **fields)

    def _record(self, execution: Execution, start: float, failed: Failed | None = None, *, answered: bool = False) -> AttemptRecord:
        """The attempt that ends now; without an answer and a failure, one that was cut off from our side."""
        backend, endpoint, params = execution.get("backend"), execution.get("endpoint"), execution.get("params")
        begun = answered and (failed is None or failed.status is not None)
        return AttemptRecord(
            number=len(self.records) + 1,
            backend=backend.name,
            endpoint=endpoint.name,
            address=f"{endpoint.host}:{endpoint.port}",
            status=execution.get("r.status") if begun else None,
            failure=failed.kind if failed is not None else None,
            reason=failed.reason if failed is not None else None,
            sent=failed is None or failed.sent,
            seconds=self._ports.seconds() - start,
            streams=params is not None and params.stream,
            provider=backend.provider,
            model=execution.get("model") or "",
            credential=auth.whose if (auth := execution.get("wire.auth")) is not None else "",
            passed_over=self._ports.passed_over(execution),
        )


def _provider(execution: Execution) -> str:
    return str(execution.get("backend").provider)


def _holder(execution: Execution) -> Backend:
    """The backend under which the credential of the attempt is held."""
    backend, auth = execution.get("backend"), execution.get("wire.auth")
    holder: Backend = auth.holder if auth is not None and auth.holder is not None else backend
    return holder


def _is_ours(execution: Execution) -> bool:
    """Whether the attempt had a credential of the gateway: what its provider says of it is nothing to the caller."""
    auth = execution.get("wire.auth")
    return auth is not None and not auth.own


async def _abandon(execution: Execution) -> None:
    stream = execution.get("r.stream")
    if stream is not None:
        await stream.aclose()
