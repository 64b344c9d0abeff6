"""Ask a guard outside the gateway over HTTP about what is new in a prompt, within a budget, and leave it alone while it fails.

Each slice of a text is asked about once per tenant while it is remembered. Whatever comes back but a whole answer in the shape that
was agreed is an ExternalGuardError; what was answered before it is remembered, so that who asks again goes on from there.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from outgate.detectors.external.settings import Circuit, ExternalGuardSettings
from outgate.detectors.external.shapes import Asker, Findings, Piece, decoded, encoded, sendable
from outgate.detectors.injection.finding import Placed
from outgate.errors import FailureKind, ToldError, UpstreamError
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.inference.spending import spend
from outgate.upstreams.catalog import Backend
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import Credentials

STEP, OVERLAP = 16_384, 1_024
"""Characters of a slice, and those that the next one shows again."""
_ANSWER = 1024 * 1024
_PORTION = 65_536
"""Characters of one question."""
_OF_THE_TEXT = frozenset({400, 413, 415, 422})
"""Statuses that say something of the question, and nothing of the service: nobody's text may have it left alone."""
_FIELDS = (("content-type", "application/json"), ("accept", "application/json"))


class ExternalGuardError(ToldError):
    """No answer that can be read. The message names the reason, and quotes nothing."""


class ExternalGuardTimeoutError(ExternalGuardError, TimeoutError):
    """No answer in time."""


class Memory(Protocol):
    """The part of stores.memo.Memo that remembers findings."""

    def digest(self, text: str) -> bytes: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> list[Any | None]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None: ...


class Breaker:
    """Failures in a row, and until when nothing is asked. After the pause one question at a time tries again."""

    def __init__(self, settings: Circuit, monotonic: Callable[[], float]) -> None:
        self._settings, self._monotonic = settings, monotonic
        self._failures, self._until = 0, 0.0

    def check(self) -> None:
        """Raises ExternalGuardError while the circuit is open."""
        if self._failures < self._settings.failures:
            return
        if self._monotonic() < self._until:
            raise ExternalGuardError("the circuit is open")
        self._until = self._monotonic() + self._settings.pause

    def failed(self) -> None:
        self._failures += 1
        self._until = self._monotonic() + self._settings.pause

    def answered(self) -> None:
        self._failures = 0


class Service:
    """One external guard: a POST, and the JSON object that answers it."""

    def __init__(
        self, settings: ExternalGuardSettings, client: Client, credentials: Credentials, backend: Backend, breaker: Breaker
    ) -> None:
        self._client, self._credentials, self._backend, self._breaker = client, credentials, backend, breaker
        self._path = backend.path_prefix + (settings.path or settings.shaped().path)
        self._slots = asyncio.Semaphore(settings.concurrency)

    async def ask(self, question: bytes, until: float) -> dict[str, Any]:
        """The answer, until this time of the loop. Raises ExternalGuardError."""
        try:
            async with asyncio.timeout_at(until):
                await self._slots.acquire()
        except TimeoutError:
            raise ExternalGuardTimeoutError("too many questions are on their way") from None
        try:
            self._breaker.check()
            return await self._answer(question, until)
        finally:
            self._slots.release()

    async def _answer(self, question: bytes, until: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout_at(until):
                status, body = await self._posted(question)
            if status not in (200, *_OF_THE_TEXT):
                raise ExternalGuardError(f"status {status}")
            answer = decoded(body) if status == 200 else None
        except (UpstreamError, TimeoutError, ValueError, ExternalGuardError) as error:
            self._breaker.failed()
            raise _told(error) from None
        self._breaker.answered()
        if answer is None:
            raise ExternalGuardError(f"status {status}")
        return answer

    async def _posted(self, question: bytes) -> tuple[int, bytes]:
        """Status and body. Asked once more where an idle connection was lost: a question does no harm twice."""
        await self._credentials.ready(self._backend)
        auth = self._credentials.bound(self._backend)
        if auth is None and self._backend.credential is not None:
            raise ExternalGuardError("no credential")
        for last in (False, True):
            try:
                answer = await self._client.fetch(self._backend, "POST", self._path, _FIELDS, question, _ANSWER, auth)
            except UpstreamError as error:
                if last or error.kind is not FailureKind.STALE:
                    raise
            else:
                return answer.status, answer.body
        raise AssertionError("the last attempt answers or raises")


class _Slice(NamedTuple):
    """A piece of the leaf with this index, and what is remembered of it."""

    leaf: int
    piece: Piece
    digest: bytes


class ExternalGuard:
    """The guard over one service. `kind` names everything that an answer depends on, besides the text."""

    def __init__(self, settings: ExternalGuardSettings, service: Service, memory: Memory, kind: str) -> None:
        self._settings, self._shape, self._service, self._memory = settings, settings.shaped(), service, memory
        self._channels, self._kind = frozenset(settings.channels), f"external:{kind}"

    async def find(self, prompt: Prompt, principal: Principal, request: str, model: str) -> list[Placed]:
        """What it finds in a prompt, in order of the leaves. Raises ExternalGuardError."""
        until = asyncio.get_running_loop().time() + self._settings.limit
        slices = list(self._slices(prompt, principal.name))
        remembered = self._memory.get_many(principal.tenant, self._kind, [each.digest for each in slices])
        known = {each.digest: found for each, found in zip(slices, remembered, strict=True) if found is not None}
        new = list({each.digest: each for each in slices if each.digest not in known}.values())
        portions = list(self._portions(new))
        affordable = self._affordable(portions)
        asker = Asker(principal.name, request, model)
        for found in await _all([self._asked(portion, asker, principal.tenant, until) for portion in affordable]):
            known |= found
        if len(affordable) < len(portions):
            raise ExternalGuardError("beyond the budget of a request")
        placed = {(each.leaf, one.rule): one for each in slices for one in known[each.digest]}
        return [Placed(leaf, *one) for (leaf, _), one in placed.items()]

    def _slices(self, prompt: Prompt, workload: str) -> Iterator[_Slice]:
        for index, leaf in enumerate(prompt.leaves):
            if leaf.text and leaf.channel in self._channels:
                for start in range(0, max(1, len(leaf.text) - OVERLAP), STEP):
                    piece = Piece(sendable(leaf.text[start : start + STEP + OVERLAP]), leaf.channel.value)
                    yield _Slice(index, piece, self._memory.digest(f"{workload}\0{piece.channel}\0{piece.text}"))

    def _portions(self, slices: Sequence[_Slice]) -> Iterator[list[_Slice]]:
        portion: list[_Slice] = []
        for each in slices:
            size = sum(len(other.piece.text) for other in portion) + len(each.piece.text)
            if portion and (len(portion) == self._shape.most or size > _PORTION):
                yield portion
                portion = []
            portion.append(each)
        if portion:
            yield portion

    def _affordable(self, portions: Sequence[list[_Slice]]) -> list[list[_Slice]]:
        """The first ones, as far as the budget reaches."""
        left, kept = self._settings.budget.characters, []
        for portion in portions[: self._settings.budget.calls]:
            left -= sum(len(each.piece.text) for each in portion)
            if left < 0:
                break
            kept.append(portion)
        return kept

    async def _asked(self, portion: Sequence[_Slice], asker: Asker, tenant: str, until: float) -> dict[bytes, Findings]:
        pieces = [each.piece for each in portion]
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            answer = await self._service.ask(encoded(self._shape.question(pieces, asker)), until)
        finally:
            spend("external_guard", [piece.text for piece in pieces], clock() - began, self._settings.price)
        try:
            found = self._shape.findings(answer, pieces)
        except ValueError as error:
            raise ExternalGuardError("an answer of another shape") from error
        for each, ones in zip(portion, found, strict=True):
            self._memory.put(tenant, self._kind, each.digest, ones, 64 * len(ones))
        return {each.digest: ones for each, ones in zip(portion, found, strict=True)}


def _told(error: Exception) -> Exception:
    """The reason that is told: names of our own alone."""
    if isinstance(error, UpstreamError):
        return ExternalGuardError(f"{error.kind}: {error.reason or 'unreadable'}")
    if isinstance(error, TimeoutError):
        return ExternalGuardTimeoutError("no answer in time")
    return ExternalGuardError("no JSON object") if isinstance(error, ValueError) else error


async def _all(work: Sequence[Any]) -> list[Any]:
    """The results; at the first failure the others are given up."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
