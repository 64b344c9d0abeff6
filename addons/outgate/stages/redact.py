"""Replace personal data, structured and names, in every string of the request by placeholders, before it leaves.

Every leaf is judged, member names included; a value split over the parts of a message too. What is not text is for `admit_parts` to
refuse. Some kinds are replaced by synthetic values, masked or hashed instead, or refused, as the policy says. What goes to a
provider of `raw_to` stays as it came; an attempt elsewhere changes the provider, and so runs this again before anything leaves.
"""

from asyncio import to_thread
from collections import Counter
from typing import NamedTuple

from outgate.detectors.finding import Finding
from outgate.detectors.pii.links import hosts_of
from outgate.detectors.pii.national_ids import LANGUAGES
from outgate.detectors.pii.placeholders import NONE, Naming, Placeholders, key_of_conversation
from outgate.detectors.pii.synthetic import Synthesis, Taken
from outgate.errors import Denial, Problem
from outgate.guards.redaction import Redaction, RedactSettings
from outgate.inference.principal import Principal
from outgate.inference.prompt import TOLD, Prompt
from outgate.inference.verdict import Verdict
from outgate.model_server.client import ModelClient
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Stage
from outgate.stores.memo import Memo
from outgate.stores.state_secret import StateSecret

_LONG = 131_072
"""Characters of a request that is searched for substitutes in a thread."""


class Reads(NamedTuple):
    """What `redact` sees. The verdict about parts is read so that no plan redacts without `admit_parts`."""

    prompt: Prompt
    principal: Principal
    verdict_parts: Verdict = Verdict()


class RoutedReads(NamedTuple):
    """The same, and the provider, which is None where no model is routed: then nothing stays as it came."""

    prompt: Prompt
    principal: Principal
    provider: str | None
    verdict_parts: Verdict = Verdict()


_CHOOSES = ("model.routed", "routing", "model", "provider")
"""What is chosen by the text as it came, where redaction depends on the choice."""


class Redact(Stage):
    """A new prompt with placeholders, and the map to bring values back (`restore`)."""

    name = "redact"
    settings_type = RedactSettings
    companions = ("restore",)

    def __init__(self, settings: RedactSettings, model_server: ModelClient, memo: Memo, state_secret: StateSecret) -> None:
        self._memo, self._secret = memo, state_secret
        self._per_conversation, self._rotation = settings.scope == "conversation", settings.rotation
        self._modes, self._denied = settings.modes, frozenset(kind for kind, mode in settings.modes.items() if mode == "deny")
        self._synthetic = "synthetic" in settings.modes.values()
        self.redaction = Redaction(settings, model_server, memo)
        self.asks = self.redaction.asks
        self.warnings = tuple(_warnings(settings))
        self._raw_to = frozenset(settings.raw_to)
        self.contract = Contract.of(
            RoutedReads if self._raw_to else Reads,
            optional=("provider",) if self._raw_to else (),
            writes=("prompt", "placeholders", "redacted"),
            may=May.MUTATE | May.DENY if self._denied else May.MUTATE,
            limit=settings.limit,
            clears=not self._raw_to,
            preserves=("verdict.*", *(_CHOOSES if self._raw_to else ())),
            cost=2.0,
            passes=0.99,
        )

    def explained(self) -> tuple[str, ...]:
        return (f"as it came to {', '.join(sorted(self._raw_to))}, redacted to all others",) if self._raw_to else ()

    async def run(self, facts: Reads | RoutedReads) -> tuple[Prompt, Placeholders, dict[str, int]] | Denial:
        prompt = facts.prompt
        if isinstance(facts, RoutedReads) and facts.provider in self._raw_to:
            return prompt, NONE, {}
        found = await self.redaction.findings(prompt, facts.principal)
        counts = _counts(found)
        if denied := sorted(self._denied & counts.keys()):
            message = f"The request holds what this policy refuses: {', '.join(denied)}."
            return Denial(code="personal_data", status=403, message=message)
        if not found:
            return prompt, NONE, {}
        if self._synthetic and sum(len(leaf.text) for leaf in prompt.leaves) > _LONG:
            return (*await to_thread(self._replaced, prompt, found, facts.principal), counts)
        return (*self._replaced(prompt, found, facts.principal), counts)

    def _replaced(self, prompt: Prompt, found: dict[int, tuple[Finding, ...]], principal: Principal) -> tuple[Prompt, Placeholders]:
        leaves, key = prompt.leaves, self._key(prompt, principal)
        synthesis = Synthesis(key, Taken.of(leaf.text for leaf in leaves)) if self._synthetic else None
        naming = Naming(key, modes=self._modes, synthesis=synthesis)
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


def _warnings(settings: RedactSettings) -> list[Problem]:
    unread = [language for language in settings.languages if language not in LANGUAGES]
    if not unread:
        return []
    said = ", ".join(f"`{language}`" for language in unread)
    message = f"{said}: no national numbers are known, and few names are found in these scripts"
    return [Problem(code="W_LANGUAGE_UNREAD", message=message, repair="name what must not leave in `deny_list` or `patterns`")]


def _counts(found: dict[int, tuple[Finding, ...]]) -> dict[str, int]:
    """How many values of each entity were replaced."""
    return dict(sorted(Counter(finding.entity for some in found.values() for finding in some).items()))
