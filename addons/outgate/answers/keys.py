"""Keys of an answer: digests of everything that it depends on, with its question and without.

Tenant (and workload, by default), destination, path and query, provider, routed model, operation, every parameter, the tools, the
shape and every text of the judged prompt, the header fields that go on to the provider (but those that say nothing of the answer),
and the policy without its workloads and its section `gateway`. A placeholder counts as what it is the first, second … of, not as
what it stands for.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from outgate.answers.earlier import earlier_of, is_plain, packed
from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.detectors.pii.canonical import NONE, Names, Spot
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt

_SAY_NOTHING = frozenset({"accept", "content-type", "idempotency-key", "user-agent", "x-stainless-retry-count"})
"""Header fields that change no answer: who asks with what, how often, and what the body is, which the gateway says itself."""
_TOOL_CHANNELS = frozenset({Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS})
_SHORTEST = 2


class Asks(Protocol):
    """What is asked, and how: facts of an exchange."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def params(self) -> Params: ...
    @property
    def operation(self) -> Operation: ...


class Asked(Asks, Protocol):
    """What an answer depends on besides."""

    @property
    def model(self) -> str: ...
    @property
    def provider(self) -> str | None: ...
    @property
    def headers_out(self) -> tuple[tuple[str, str], ...] | None: ...
    @property
    def principal(self) -> Principal: ...
    @property
    def destination(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def policy_rules(self) -> str: ...


class Partition(NamedTuple):
    """Where answers to the same question in other words are looked for: all that a key says, but the question itself.

    `digest` is 32 bytes; `text` the question, with readable placeholders. `history` is what users said before it, where that need
    only mean the same: the digest lacks it.
    """

    digest: bytes
    text: str
    history: bytes = b""


class Keys(NamedTuple):
    """The key of a request, 32 bytes, and the placeholders that its answer may name; the partition of a plain question."""

    key: bytes
    names: Names
    partition: Partition | None


def is_cacheable(asked: Asks, settings: CacheSettings) -> bool:
    """Whether the answer to this may be given again at all."""
    params, prompt = asked.params, asked.prompt
    if prompt.unjudged or params.server_state or params.kept or params.n != 1:
        return False
    if not settings.tools and (asked.tools.names or any(leaf.channel in _TOOL_CHANNELS for leaf in prompt.leaves)):
        return False
    if asked.operation.kind is Kind.EMBEDDINGS:
        return True
    return asked.operation.kind is Kind.CHAT and (settings.when == "always" or params.temperature == 0)


def keys_of(asked: Asked, settings: CacheSettings) -> Keys:
    """The keys of a request. A vector depends on the very letters of a placeholder."""
    leaves = asked.prompt.leaves
    said = [leaf.text for leaf in leaves]
    names = Names.of(said) if asked.operation.kind is Kind.CHAT else NONE
    texts, spots = names.canonical(said)
    common = _common(asked, settings.scope)
    at = _question_at(asked, settings.similar, texts, said)
    partition = _partition(common.copy(), (leaves, texts, spots), at, settings.similar) if at >= 0 else None
    return Keys(_said(common, leaves, texts, spots).digest(), names, partition)


def question_of(asked: Asks, settings: CacheSettings) -> str | None:
    """The text of the last turn, where it is one that answers may be looked up by; with readable placeholders."""
    said = [leaf.text for leaf in asked.prompt.leaves]
    texts, _ = Names.of(said).canonical(said)
    at = _question_at(asked, settings.similar, texts, said)
    return texts[at] if at >= 0 else None


def _question_at(asked: Asks, settings: SimilarSettings, texts: Sequence[str], said: Sequence[str]) -> int:
    """The leaf that is the question: all of the last turn, plain, of bounded length, and naming nothing like we do; -1 for none."""
    if settings.mode == "off" or asked.operation.kind is not Kind.CHAT:
        return -1
    leaves = asked.prompt.leaves
    turn = max((leaf.turn for leaf in leaves), default=-1)
    alone = turn < 0  # an input that is one text and no conversation
    last = [at for at, leaf in enumerate(leaves) if leaf.turn == turn and (not alone or leaf.channel is Channel.USER)]
    if len(last) != 1 or leaves[last[0]].channel is not Channel.USER:
        return -1
    at = last[0]
    text = texts[at]
    return at if is_plain(said[at]) and _SHORTEST <= len(text) <= settings.max_characters else -1


def _partition(
    digest: Any, whole: tuple[Sequence[Leaf], Sequence[str], Sequence[Spot]], at: int, similar: SimilarSettings
) -> Partition:
    """Everything but the texts that need only mean the same, of which no more counts than which placeholders each names."""
    leaves, texts, spots = whole
    earlier = earlier_of(leaves, texts, at, similar)
    left_out = {*earlier, at}
    without = ["" if index in left_out else text for index, text in enumerate(texts)]
    named = [sorted({spot.name for spot in spots if spot.text == index}) for index in sorted(left_out)]
    digest.update(f"question {at} after {earlier} {similar.history} {similar.model} {named}".encode())
    said = _said(digest, leaves, without, [spot for spot in spots if spot.text not in left_out])
    return Partition(said.digest(), texts[at], packed([texts[index] for index in earlier]))


def _common(asked: Asked, scope: str) -> Any:
    """All but the text. Every part is preceded by its length or quoted, so that no two different requests make the same bytes.

    `params.identity` is the whole body with its conversation blanked; together with place and text of each leaf it determines it.
    """
    principal, params, tools = asked.principal, asked.params, asked.tools
    head = (
        principal.tenant,
        principal.name if scope == "workload" else None,
        asked.destination,
        asked.path,
        asked.provider,
        asked.model,
        asked.operation.dialect,
        asked.operation.kind.value,
        asked.policy_rules,
        [field for field in asked.headers_out or () if field[0] not in _SAY_NOTHING],
        len(params.identity),
        len(tools.identity),
    )
    digest = sha256(repr(head).encode("utf-8", "surrogatepass"))
    digest.update(b"\0")
    digest.update(params.identity)
    digest.update(tools.identity)
    return digest


def _said(digest: Any, leaves: Sequence[Leaf], texts: Sequence[str], spots: Sequence[Spot]) -> Any:
    """With these texts in the place of the leaves' own, and placeholders at those spots."""
    boxes, keys, _, channels, turns = zip(*leaves, strict=True) if leaves else ((),) * 5
    shape = (boxes, keys, turns, ",".join(channels), tuple(map(len, texts)), [tuple(spot) for spot in spots])
    digest.update(repr(shape).encode("utf-8", "surrogatepass"))
    digest.update(b"\0")
    digest.update("".join(texts).encode("utf-8", "surrogatepass"))
    return digest
