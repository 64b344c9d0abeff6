"""Replace personal data, structured and names, in every string of the request by placeholders, before it leaves.

Every leaf is judged, member names included; a value split over the parts of a message too. What is not text is for `admit_parts` to
refuse. What may hold an entity is asked about in pieces, each remembered as it comes in: who asks again goes on from there.
"""

from collections import Counter
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.kinds import NAMES
from outgate.detectors.pii.links import hosts_of
from outgate.detectors.pii.placeholders import NONE, Naming, Placeholders, key_of_conversation
from outgate.detectors.pii.prefilter import ENTITIES
from outgate.guards.named import Named
from outgate.guards.structured import Found, Structured
from outgate.inference.principal import Principal
from outgate.inference.prompt import TOLD, Prompt
from outgate.inference.verdict import Verdict
from outgate.model_server.client import ModelClient
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Stage, TimedSettings
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret

type Entity = Literal[
    "CREDIT_CARD",
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "IBAN_CODE",
    "US_SSN",
    "IP_ADDRESS",
    "PERSON",
    "LOCATION",
    "POSTAL_CODE",
    "ORGANIZATION",
]


class RedactSettings(TimedSettings):
    """Which personal data never leaves, and how long finding it may take."""

    entities: tuple[Entity, ...] = ENTITIES  # type: ignore[assignment]
    """What is replaced, by presidio's names. `PERSON`, `LOCATION` (with street addresses) and `POSTAL_CODE` are found by a model;
    it errs and costs about 35 ms for 200 new words; `ORGANIZATION` only where a legal form or a word (Bank) gives one away."""
    names_in: Literal["prose", "values"] = "prose"
    """Where names are looked for: in lines of prose, or in comments and quoted strings of code, logs and JSON too."""
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
        structured, names = (tuple(sorted(kind for kind in settings.entities if kind in known)) for known in (ENTITIES, NAMES))
        self.asks = tuple((model, kinds) for model, kinds in (("pii", structured), ("ner", names)) if kinds)
        self._finders: list[Structured | Named] = [Structured(model_server, memo, structured)] if structured else []
        if names:
            self._finders.append(Named(model_server, memo, names, values=settings.names_in == "values"))
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
        found = await self._findings(prompt, facts.principal)
        if not found:
            return prompt, NONE, {}
        return *self._replaced(prompt, found, facts.principal), _counts(found)

    async def _findings(self, prompt: Prompt, principal: Principal) -> Found:
        """What every finder found, one after the other: they ask the same process."""
        found: dict[int, tuple[Finding, ...]] = {}
        for finder in self._finders:
            for leaf, some in (await finder.findings(prompt, principal)).items():
                found[leaf] = disjoint((*found.get(leaf, ()), *some))
        return found

    def _replaced(self, prompt: Prompt, found: dict[int, tuple[Finding, ...]], principal: Principal) -> tuple[Prompt, Placeholders]:
        leaves, naming = prompt.leaves, Naming(self._key(prompt, principal))
        changes = {i: naming.redacted(leaves[i].text, found[i]) for i in sorted(found, key=lambda i: (leaves[i].turn, i))}
        redacted = prompt.replace(changes)
        digests, tenant = self._memo.digests(redacted, base=prompt), principal.tenant
        asked = [(leaf, digest) for leaf, digest in zip(redacted.leaves, digests, strict=True) if leaf.channel not in TOLD]
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
