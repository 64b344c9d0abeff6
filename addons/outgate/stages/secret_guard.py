"""Keep keys, tokens and passwords from leaving: replaced by placeholders that come back as what they were, or refused.

Every string is read, member names and arguments of tools included. It runs on the raw prompt, before `redact`: what is a secret
and looks like personal data is a secret. What the policy flags stays as it is.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from outgate.detectors.actions import Actions, Keys, RefusedTexts, guard_contract
from outgate.detectors.finding import Finding
from outgate.detectors.guard_settings import Act, GuardSettings
from outgate.detectors.injection.finding import Placed, Weight
from outgate.detectors.pii.links import hosts_of
from outgate.detectors.pii.placeholders import NONE, Naming, Placeholders
from outgate.detectors.secrets.kinds import KINDS, kind_of
from outgate.errors import Denial
from outgate.guards.secret_search import REVISION, SecretSearch, is_unread
from outgate.inference.principal import Principal
from outgate.inference.prompt import TOLD, Channel, Prompt
from outgate.inference.verdict import Action, Match, Verdict, extents
from outgate.model_server.client import ModelClient
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.memo import Memo

type Found = Mapping[int, tuple[Finding, ...]]


class SecretGuardSettings(GuardSettings):
    """What happens to a secret, by channel and by kind: `api_key`, `password` (also of URLs and connections) and `private_key`."""

    redacts: ClassVar[bool] = True
    action: Act = Act.REDACT
    """What happens where `actions` and `rules` say nothing else. `redact` puts a placeholder in the place of the secret, the same
    for the same secret, which becomes the secret again in the answer; the others are those of every guard.
    """

    def rule_ids(self) -> Collection[str]:
        return KINDS

    def act(self, rule: str, channel: Channel, *, certain: bool) -> Act:
        return super().act(kind_of(rule), channel, certain=certain)


class SecretGuard(Stage):
    """The prompt without its secrets, and the map to bring them back (`restore`)."""

    name = "secret_guard"
    settings_type = SecretGuardSettings
    companions = ("secret_calls", "restore")
    asks = (("secrets", ()),)

    def __init__(
        self, settings: SecretGuardSettings, model_server: ModelClient, memo: Memo, state_secret: Keys, refused: RefusedTexts
    ) -> None:
        self._settings, self._memo, self._secret = settings, memo, state_secret
        self._search = SecretSearch(model_server, memo)
        self._actions = Actions(settings, state_secret, refused)
        made = guard_contract(
            self.name, settings, after=("prompt_guard", "tool_result_guard", "topic_guard"), cost=1.0, passes=0.99
        )
        self.contract = replace(made, writes=(*made.writes, "secrets"))

    async def run(self, facts: Any, /) -> Outcome:
        prompt, principal = facts.prompt, facts.principal
        found = await self._search.prompt(prompt, principal)
        read = _read(prompt)
        if not found:
            return read, prompt, NONE
        redacted, others = self._divided(prompt, found)
        without, secrets = self._replaced(prompt, redacted, principal) if redacted else (prompt, NONE)
        placed = [Placed(at, one.entity, Weight.CERTAIN, one.score) for at, some in others.items() for one in some]
        outcome = await self._actions.outcome(facts._replace(prompt=without), placed, read)
        return _told(outcome, _matches(prompt, redacted), secrets)

    def _divided(self, prompt: Prompt, found: Found) -> tuple[Found, Found]:
        """Findings to be replaced, and those about which something else is to be done."""
        acts = {
            (at, one): self._settings.act(one.entity, prompt.leaves[at].channel, certain=True)
            for at, some in found.items()
            for one in some
        }
        redacted = {at: tuple(one for one in some if acts[at, one] is Act.REDACT) for at, some in found.items()}
        others = {at: tuple(one for one in some if acts[at, one] is not Act.REDACT) for at, some in found.items()}
        return {at: some for at, some in redacted.items() if some}, {at: some for at, some in others.items() if some}

    def _replaced(self, prompt: Prompt, found: Found, principal: Principal) -> tuple[Prompt, Placeholders]:
        leaves, tenant = prompt.leaves, principal.tenant
        naming = Naming(self._secret.derive("placeholders", tenant, principal.name))
        changes = {}
        for at in sorted(found, key=lambda i: (leaves[i].turn, i)):
            named = [one._replace(entity=kind_of(one.entity)) for one in found[at]]
            changes[at] = naming.redacted(leaves[at].text, named)
        redacted = prompt.replace(changes)
        digests = self._memo.digests(redacted, base=prompt)
        asked = [pair for pair in zip(redacted.leaves, digests, strict=True) if pair[0].channel not in TOLD]
        every = hosts_of(redacted.leaves, digests, self._memo, tenant)
        named_hosts = hosts_of([leaf for leaf, _ in asked], [digest for _, digest in asked], self._memo, tenant)
        return redacted, naming.result(every, named_hosts)


def _read(prompt: Prompt) -> Verdict:
    sealed = [leaf.text for leaf in prompt.leaves if is_unread(leaf)]
    judged = ((leaf.channel.value, leaf.text) for leaf in prompt.leaves if leaf.text and not is_unread(leaf))
    unjudged = extents((Channel.SEALED.value, text) for text in sealed)
    return Verdict(scanned=extents(judged), unjudged=unjudged, revision=REVISION)


def _matches(prompt: Prompt, redacted: Found) -> tuple[Match, ...]:
    counts = Counter((one.entity, prompt.leaves[at].channel.value) for at, some in redacted.items() for one in some)
    return tuple(Match(rule, kind_of(rule), count, channel, Action.REPLACED.value) for (rule, channel), count in counts.items())


def _told(outcome: Outcome, replaced: tuple[Match, ...], secrets: Placeholders) -> Outcome:
    """The outcome, with what was replaced."""
    ended = isinstance(outcome, Denial | Answer)
    verdict, prompt = outcome.outputs if isinstance(outcome, Denial | Answer) else outcome
    action = Action.REPLACED if replaced and not ended and verdict.action is not Action.WITHHELD else verdict.action
    whole = (replace(verdict, action=action, matches=(*verdict.matches, *replaced)), prompt, secrets)
    if isinstance(outcome, Denial):
        return replace(outcome, outputs=whole)
    return outcome._replace(outputs=whole) if isinstance(outcome, Answer) else whole
