"""Replace structured personal data in every string of the request by placeholders, before it leaves.

Every leaf is judged, member names included; a value split over the parts of a message too. What is not text is for `admit_parts` to
refuse. What may hold an entity is asked about in pieces, each remembered as it comes in: who asks again goes on from there.
"""

from asyncio import sleep, to_thread
from collections import Counter
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.pii.links import hosts_of
from outgate.detectors.pii.placeholders import NONE, Naming, Placeholders, key_of_conversation
from outgate.detectors.pii.prefilter import ENTITIES, candidates
from outgate.detectors.pii.seams import by_leaf, seams
from outgate.detectors.pii.slices import Slice, merge
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import Verdict
from outgate.model_server.client import ModelClient
from outgate.model_server.pieces import PiiPieces
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Stage, TimedSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret

type Entity = Literal["CREDIT_CARD", "EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "US_SSN", "IP_ADDRESS"]
_TURN, _LONG = 32_768, 131_072
"""Characters screened before others on the event loop have their turn, and in a text that is screened in a thread instead."""
_FOREIGN = 7
"""How often each byte counts that a text has more in UTF-8 than characters: so much dearer it is to bring into normal form."""


_TOLD = frozenset({Channel.TOOL_RESULT, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_ARGUMENTS})
"""What tools and the model said: a host that only they name is none that the caller asked for."""


class RedactSettings(TimedSettings):
    """Which personal data never leaves, and how long finding it may take."""

    entities: tuple[Entity, ...] = ENTITIES  # type: ignore[assignment]
    """What is replaced: kinds of structured personal data, by presidio's names."""
    limit: Annotated[float, Field(gt=0)] = 30.0
    """Seconds after which the stage counts as failed; what was judged until then is remembered."""
    scope: Literal["workload", "conversation"] = "workload"
    """Where the same value has the same placeholder, and a provider can tell that it is the same: in all requests of a workload, or
    only in those that begin with the same message of a user."""
    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it, and every value has another placeholder from then on. What providers have cached of conversations is lost."""


class Reads(NamedTuple):
    """What `redact` sees. The verdict about parts is read so that no plan redacts without `admit_parts`."""

    prompt: Prompt
    principal: Principal
    verdict_parts: Verdict = Verdict()


class Redact(Stage):
    """A new prompt with placeholders, and the map to bring values back (`restore`)."""

    name = "redact"
    settings_type = RedactSettings
    companions = ("restore",)

    def __init__(self, settings: RedactSettings, model_server: ModelClient, memo: Memo, state_secret: StateSecret) -> None:
        self._memo, self._secret = memo, state_secret
        self._per_conversation, self._rotation = settings.scope == "conversation", settings.rotation
        self._entities = tuple(sorted(settings.entities))
        self.asks = (("pii", self._entities),)
        self._pieces, self._kind = PiiPieces(model_server, memo, self._entities), "pii:" + ",".join(self._entities)
        self.contract = Contract.of(
            Reads,
            writes=("prompt", "placeholders", "redacted"),
            may=May.MUTATE,
            limit=settings.limit,
            clears=True,
            preserves=("verdict.*",),
            cost=2.0,
            passes=0.99,
        )

    async def run(self, facts: Reads) -> tuple[Prompt, Placeholders, dict[str, int]]:
        prompt = facts.prompt
        found = await self._findings(prompt, facts.principal) if self._entities else {}
        if not found:
            return prompt, NONE, {}
        return *self._replaced(prompt, found, facts.principal), _counts(found)

    async def _findings(self, prompt: Prompt, principal: Principal) -> dict[int, tuple[Finding, ...]]:
        """Findings by leaf: each leaf's own, and its share of those that cross into its neighbours."""
        leaves, memo = prompt.leaves, self._memo
        across = list(seams(leaves))
        texts = [leaf.text for leaf in leaves] + [seam.text for seam in across]
        digests = [*memo.digests(prompt), *(memo.digest(text) for text in texts[len(leaves) :])]
        known = memo.get_many(principal.tenant, self._kind, digests)
        for i, leaf in enumerate(leaves):
            if leaf.channel is Channel.SEALED:
                known[i] = ()
        fresh = {digests[i]: texts[i] for i, findings in enumerate(known) if findings is None}
        if fresh:
            judged = await self._judged(fresh, principal)
            known = [judged[digests[i]] if findings is None else findings for i, findings in enumerate(known)]
        return by_leaf(known[: len(leaves)], across, known[len(leaves) :])

    async def _judged(self, fresh: dict[bytes, str], principal: Principal) -> dict[bytes, tuple[Finding, ...]]:
        parts = await self._screened(fresh)
        found = await self._pieces.findings([piece.text for some in parts.values() for piece in some], principal)
        judged = {digest: disjoint(merge(some, [found[piece.text] for piece in some])) for digest, some in parts.items()}
        for digest, findings in judged.items():
            self._memo.put(principal.tenant, self._kind, digest, findings, 80 * len(findings))
        return judged

    async def _screened(self, fresh: dict[bytes, str]) -> dict[bytes, tuple[Slice, ...]]:
        screened: dict[bytes, tuple[Slice, ...]] = {}
        read = 0
        for digest, text in fresh.items():
            cost = len(text) + _FOREIGN * (len(text.encode("utf-8", "surrogatepass")) - len(text))
            if cost > _LONG:
                screened[digest] = await to_thread(candidates, text, self._entities)
                continue
            screened[digest] = candidates(text, self._entities)
            read += cost
            if read > _TURN:
                read = 0
                await sleep(0)
        return screened

    def _replaced(self, prompt: Prompt, found: dict[int, tuple[Finding, ...]], principal: Principal) -> tuple[Prompt, Placeholders]:
        leaves, naming = prompt.leaves, Naming(self._key(prompt, principal))
        changes = {i: naming.redacted(leaves[i].text, found[i]) for i in sorted(found, key=lambda i: (leaves[i].turn, i))}
        redacted = prompt.replace(changes)
        digests, tenant = self._memo.digests(redacted, base=prompt), principal.tenant
        asked = [(leaf, digest) for leaf, digest in zip(redacted.leaves, digests, strict=True) if leaf.channel not in _TOLD]
        every = hosts_of(redacted.leaves, digests, self._memo, tenant)
        named = hosts_of([leaf for leaf, _ in asked], [digest for _, digest in asked], self._memo, tenant)
        return redacted, naming.result(every, named)

    def _key(self, prompt: Prompt, principal: Principal) -> bytes:
        rotation = (str(self._rotation),) if self._rotation else ()
        key = self._secret.derive("placeholders", principal.tenant, principal.name, *rotation)
        return key_of_conversation(key, prompt) if self._per_conversation else key


def _counts(found: dict[int, tuple[Finding, ...]]) -> dict[str, int]:
    """How many values of each entity were replaced."""
    return dict(sorted(Counter(finding.entity for some in found.values() for finding in some).items()))
