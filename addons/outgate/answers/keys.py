"""Key of an answer: a digest of everything that it depends on.

Tenant (and workload, by default), destination, path and query, provider, routed model, operation, every parameter, the tools, the
shape and every text of the judged prompt, the header fields that go on to the provider (but those that say nothing of the answer),
and the policy without its digests of tokens. A placeholder counts as what it is the first, second … of, not as what it stands for.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from outgate.detectors.pii.canonical import NONE, Names, Spot
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Leaf, Prompt

_SAY_NOTHING = frozenset({"accept", "content-type", "idempotency-key", "user-agent", "x-stainless-retry-count"})
"""Header fields that change no answer: who asks with what, how often, and what the body is, which the gateway says itself."""


class Asked(Protocol):
    """What an answer depends on: facts of an exchange."""

    @property
    def prompt(self) -> Prompt: ...
    @property
    def tools(self) -> Tools: ...
    @property
    def params(self) -> Params: ...
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
    def operation(self) -> Operation: ...
    @property
    def policy_rules(self) -> str: ...


class Keys(NamedTuple):
    """The key of a request, 32 bytes, and the placeholders that its answer may name."""

    key: bytes
    names: Names


def keys_of(asked: Asked, scope: str) -> Keys:
    """The keys of a request; `scope` is `workload` or `tenant`. A vector depends on the very letters of a placeholder."""
    leaves = asked.prompt.leaves
    texts = [leaf.text for leaf in leaves]
    names = Names.of(texts) if asked.operation.kind is Kind.CHAT else NONE
    texts, spots = names.canonical(texts)
    return Keys(_said(_common(asked, scope), leaves, texts, spots).digest(), names)


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
