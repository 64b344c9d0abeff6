"""Act on what a guard found in a prompt: deny, answer, withhold or flag, by rule and by channel.

Only new text ends a request. What stands before the last answer, and what was refused before and is kept by its client, is
withheld: a sentence takes its place, the same on every turn, worker and restart, and the conversation goes on. Every guard of the
request decides here.
"""

import hmac
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from outgate.detectors.guard_settings import STRENGTH, Act, GuardSettings
from outgate.dialects.places import Address, described, whole
from outgate.dialects.registry import dialect
from outgate.dialects.spec import Canned
from outgate.errors import Denial
from outgate.inference.operation import Kind
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import EventStream
from outgate.inference.verdict import Action, Match, Verdict
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, Judges, May
from outgate.pipeline.facts import fact_of_field
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Outcome

_SAID = frozenset({Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_ARGUMENTS, Channel.SEALED})
_MOVABLE = frozenset({Channel.USER, Channel.ASSISTANT, Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS, Channel.KEY})
"""Channels of a conversation in which a sentence can take the place of a text without changing what the request means."""
_LETTERS = "bcdfghjklmnpqrst"
"""Sixteen letters for sixteen values: a digest that no recogniser of numbers takes for one."""
DIGEST = re.compile(f"[{_LETTERS}]{{16}}")
_TOLD = 32
"""Texts that one verdict tells apart."""
_BECAME = {Act.DENY: Action.DENIED, Act.ANSWER: Action.ANSWERED, Act.WITHHOLD: Action.WITHHELD, Act.FLAG: Action.FLAGGED}


class Finding(Protocol):
    """A rule that matched in a leaf of the prompt. What is not `certain` is flagged, unless the policy says more."""

    @property
    def leaf(self) -> int: ...

    @property
    def rule(self) -> str: ...

    @property
    def certain(self) -> bool: ...


class Keys(Protocol):
    """Keys by purpose and context (stores.state_secret)."""

    def derive(self, purpose: str, *context: str) -> bytes: ...


class RefusedTexts(Protocol):
    """Digests of the texts that were refused, by workload (stores.refused)."""

    async def known(self, tenant: str, workload: str, digests: Collection[str]) -> Collection[str]: ...

    async def add(self, tenant: str, workload: str, digests: Collection[str]) -> None: ...


class _Text(NamedTuple):
    """A text with findings: a leaf, or all of a tool's result. `place` is where a sentence can stand for it, if anywhere."""

    place: Address | None
    leaves: Sequence[int]
    channel: Channel
    turn: int
    rules: tuple[str, ...]
    act: Act
    digest: str


class Actions:
    """What a guard does about its findings, as its settings say."""

    def __init__(self, settings: GuardSettings, state_secret: Keys, refused: RefusedTexts) -> None:
        self._settings, self._secret, self._refused = settings, state_secret, refused

    async def outcome(self, facts: Any, found: Iterable[Finding], read: Verdict) -> Outcome:
        """The outcome of a stage that writes its verdict and the prompt; `read` says what was read."""
        prompt, principal = facts.prompt, facts.principal
        texts = await self._settled(prompt, principal, list(self._texts(prompt, principal, found)))
        if not texts:
            return read, prompt
        strongest = min((text.act for text in texts), key=STRENGTH.index)
        verdict = replace(read, action=_BECAME[strongest], matches=tuple(_matches(texts)))
        withheld = prompt.stand_in({text.place: (_sentence(text), text.leaves) for text in texts if text.act is Act.WITHHOLD})
        if strongest is Act.ANSWER and facts.operation.kind is Kind.CHAT:
            return _answer(facts, self._settings.answer, (verdict, withheld))
        if strongest in (Act.DENY, Act.ANSWER):  # nothing but a conversation has an answer in words
            return _denial(prompt, [text for text in texts if text.act is strongest], replace(verdict, action=Action.DENIED))
        return verdict, withheld

    def _texts(self, prompt: Prompt, principal: Principal, found: Iterable[Finding]) -> Iterator[_Text]:
        """The texts with findings, and what is to be done about each if it is new."""
        key = self._secret.derive("withheld", principal.tenant, principal.name)
        leaves = prompt.leaves
        found = list(found)
        results = _results(prompt, {leaves[one.leaf].turn for one in found})
        part_of = {index: address for address, members in results.items() for index in members}
        grouped: dict[Address, list[Finding]] = {}
        for one in found:
            leaf = leaves[one.leaf]
            grouped.setdefault(part_of.get(one.leaf) or (leaf.box, leaf.key), []).append(one)
        for address, ones in grouped.items():
            first = leaves[ones[0].leaf]
            result = ones[0].leaf in part_of
            members = results[address] if result else [ones[0].leaf]
            channel = Channel.TOOL_RESULT if result else first.channel
            movable = result or (first.turn >= 0 and first.channel in _MOVABLE)
            act = min((self._settings.act(one.rule, channel, certain=one.certain) for one in ones), key=STRENGTH.index)
            if act is Act.WITHHOLD and not movable:
                act = Act.DENY
            rules = tuple(dict.fromkeys(one.rule for one in ones))
            text = "\n".join(leaves[index].text for index in members)
            yield _Text(address if movable else None, members, channel, first.turn, rules, act, _digest(key, text))

    async def _settled(self, prompt: Prompt, principal: Principal, texts: list[_Text]) -> list[_Text]:
        """The same, but that what is not new is withheld; what is refused now is remembered."""
        ending = [at for at, text in enumerate(texts) if text.act in (Act.DENY, Act.ANSWER)]
        if not ending:
            return texts
        answered = max((leaf.turn for leaf in prompt.leaves if leaf.channel in _SAID), default=-1)
        new = [at for at in ending if texts[at].place is None or texts[at].turn > answered]
        listed = await self._kept(prompt, principal, [texts[at] for at in new])
        new = [at for at in new if texts[at].digest not in listed or texts[at].place is None]
        refused = {texts[at].digest for at in new if texts[at].place is not None}
        if refused:
            await self._refused.add(principal.tenant, principal.name, refused)
        for at in set(ending).difference(new):
            texts[at] = texts[at]._replace(act=Act.WITHHOLD)
        return texts

    async def _kept(self, prompt: Prompt, principal: Principal, texts: Sequence[_Text]) -> frozenset[str]:
        """Digests of texts that were refused before and have been followed by other words of the user's: the last words are new."""
        mine = {index for text in texts for index in text.leaves}
        spoken = (i for i, leaf in enumerate(prompt.leaves) if leaf.channel is Channel.USER and leaf.text and i not in mine)
        last = max(spoken, default=-1)
        earlier = {text.digest for text in texts if text.place is not None and max(text.leaves) < last}
        return frozenset(await self._refused.known(principal.tenant, principal.name, earlier)) if earlier else frozenset()


def _results(prompt: Prompt, turns: Collection[int]) -> dict[Address, list[int]]:
    """The tool results of these messages, and the leaves of each."""
    found: dict[Address, list[int]] = {}
    for index, leaf in enumerate(prompt.leaves):
        address = whole(prompt.document, leaf) if leaf.turn in turns else None
        if address is not None:
            found.setdefault(address, []).append(index)
    return found


def guard_contract(name: str, settings: GuardSettings, *reads: str, after: Sequence[str] = (), **fields: Any) -> Contract:
    """The contract of a guard of the request that acts by these settings; `reads` are further fields of its view.

    It judges files as text, and so comes after `hydrate`.
    """
    answers = Act.ANSWER in settings.acts()
    form = "params" if fields.get("judges", Judges.RAW) is Judges.RAW else "answer_form"  # whose text nothing clears
    seen = dict.fromkeys(("prompt", "principal", *((form, *ANSWER_READS) if answers else ()), *reads))
    return Contract(
        reads=tuple(map(fact_of_field, seen)),
        writes=(f"verdict.{name}", "prompt"),
        may=May.MUTATE | May.DENY | (May.RESPOND if answers else May.NOTHING),
        preserves=("verdict.*",),  # a sentence of the gateway's says nothing that a guard looks for
        limit=settings.limit,
        after=("hydrate", *after),
        **{"judges": Judges.RAW, **fields},
    )


ANSWER_READS = ("operation", "model_requested", "exchange_id", "started")
"""What an answer in words is made of, beside the form that is asked for."""


def _digest(key: bytes, text: str) -> str:
    digest = hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256")
    return "".join(_LETTERS[int(each, 16)] for each in digest[:8].hex())


def _sentence(text: _Text) -> str:
    return (
        f"[This is not the content. The gateway withheld it, because the rule {text.rules[0]} of its policy matched. Asking again "
        f"gives the same; write nothing of this into a file. Whoever runs the gateway can look it up: outgate why {text.digest}]"
    )


def _matches(texts: Sequence[_Text]) -> Iterator[Match]:
    rest = Counter[tuple[str, str, str]]()
    for number, text in enumerate(texts):
        for rule in text.rules:
            kind, action = rule.partition(".")[0], _BECAME[text.act].value
            if number < _TOLD:
                yield Match(rule, kind, 1, text.channel.value, action, text.digest)
            else:
                rest[rule, text.channel.value, action] += 1
    yield from (Match(rule, rule.partition(".")[0], count, channel, action) for (rule, channel, action), count in rest.items())


def _denial(prompt: Prompt, texts: Sequence[_Text], verdict: Verdict) -> Denial:
    rules = ", ".join(dict.fromkeys(rule for text in texts for rule in text.rules[:4]))
    leaf = prompt.leaves[texts[0].leaves[0]]
    where = described(prompt.document, leaf.box, leaf.key)
    at = f" at {where}" if where else ""
    look = f"Whoever runs the gateway can look it up: outgate why {texts[0].digest}"
    message = f"The gateway's policy refused the prompt ({rules}){at}. {look}"
    return Denial(code="prompt_refused", status=400, message=message, outputs=(verdict, prompt))


def _answer(facts: Any, words: str, outputs: tuple[Verdict, Prompt]) -> Answer:
    speaker, form = dialect(facts.operation.dialect), getattr(facts, "params", None) or facts.answer_form
    reply = Canned(words, facts.model_requested, facts.exchange_id, int(facts.started))
    events = speaker.canned(facts.operation, reply, form.stream, form.include_usage)
    headers = Headers([("content-type", speaker.content_type(form.stream))])
    return Answer(200, headers, EventStream.of(events), "gateway", outputs=outputs)
