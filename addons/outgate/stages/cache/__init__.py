"""Answer from the cache where the very same request was answered before, for the same caller, under the same policy.

The key is a digest of everything an answer depends on: tenant (and workload, by default), destination, path and query, provider,
routed model, operation, every parameter, the tools, the shape and every text of the judged prompt, the header fields that go on to
the provider (but those that say nothing of the answer), and the policy's revision. Nothing similar ever hits. Placeholders are part
of the judged prompt, and follow from workload and value: one that holds some is given only to those to whom they mean the same.
What has no key (None) is neither looked up nor stored.
"""

from hashlib import sha256
from typing import Literal, NamedTuple

from pydantic import Field

from outgate.dialects.registry import dialect
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params, Tools
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.stream import EventStream
from outgate.metering.metrics import Metrics
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Settings, Stage
from outgate.stores.answers import Answers

_LOOKUPS = "outgate_cache_lookups_total"
_SAY_NOTHING = frozenset({"accept", "content-type", "idempotency-key", "user-agent", "x-stainless-retry-count"})
"""Header fields that change no answer: who asks with what, how often, and what the body is, which the gateway says itself."""
_TOOL_CHANNELS = frozenset({Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS})


class CacheSettings(Settings):
    """What policies/*.yaml may say under `cache`; `cache_record` and `cache_write` come with it and are built from the same."""

    scope: Literal["workload", "tenant"] = "workload"
    """Who shares answers: one workload, or all workloads of a tenant. Tenants never do."""
    when: Literal["deterministic", "always"] = "deterministic"
    """`deterministic` caches embeddings, and conversations whose caller set `temperature: 0`; `always` also repeats answers
    that the provider would have given differently each time."""
    tools: bool = False
    """Also cache requests that offer tools or hold results of them. An answer that calls a tool is never cached."""
    max_answer_bytes: int = 1024 * 1024
    """Longer answers are not stored."""
    max_age: float = Field(default=3600.0, gt=0)
    """Seconds for which an answer is given again."""


class Reads(NamedTuple):
    """What an answer depends on."""

    prompt: Prompt
    tools: Tools
    params: Params
    model: str
    provider: str | None
    headers_out: tuple[tuple[str, str], ...] | None
    principal: Principal
    destination: str
    path: str
    operation: Operation
    policy_revision: str


class Cache(Stage):
    """Writes `cache.key`, 32 bytes, or None for what is not cached."""

    name = "cache"
    settings_type = CacheSettings
    companions = ("cache_record", "cache_write")

    def __init__(self, settings: CacheSettings, answers: Answers, metrics: Metrics) -> None:
        self._settings = settings
        self._answers = answers
        self._metrics = metrics
        self.contract = Contract.of(
            Reads, writes=("cache.key",), may=May.RESPOND, optional=("provider", "headers.out"), cost=0.02, passes=0.9
        )

    def run(self, facts: Reads) -> tuple[bytes | None] | Answer:
        key = _key(facts, self._settings.scope) if self._cacheable(facts) else None
        answer = self._look_up(facts, key) if key is not None else None
        self._metrics.add(_LOOKUPS, (("uncacheable" if key is None else "miss") if answer is None else "hit",))
        return answer or (key,)

    def _look_up(self, facts: Reads, key: bytes) -> Answer | None:
        entry = self._answers.get(key, self._settings.max_age)
        if entry is None:
            return None
        params = facts.params
        try:
            events = dialect(facts.operation.dialect).redecode(facts.operation, params.stream, entry.body, params.include_usage)
        except WireError:
            return None
        headers = Headers([("content-type", entry.content_type)])
        return Answer(entry.status, headers, EventStream.of(events), "cache", outputs=(key,))

    def _cacheable(self, facts: Reads) -> bool:
        params, prompt = facts.params, facts.prompt
        if prompt.unjudged or params.server_state or params.kept or params.n != 1:
            return False
        if not self._settings.tools and (facts.tools.names or any(leaf.channel in _TOOL_CHANNELS for leaf in prompt.leaves)):
            return False
        if facts.operation.kind is Kind.EMBEDDINGS:
            return True
        return facts.operation.kind is Kind.CHAT and (self._settings.when == "always" or params.temperature == 0)


def _key(facts: Reads, scope: str) -> bytes:
    """Every part is preceded by its length or quoted, so that no two different requests make the same bytes.

    `params.identity` is the whole body with its conversation blanked; together with place and text of each leaf it determines it.
    """
    principal, params, tools = facts.principal, facts.params, facts.tools
    boxes, keys, texts, channels, turns = zip(*facts.prompt.leaves, strict=True) if facts.prompt.leaves else ((),) * 5
    head = (
        principal.tenant,
        principal.name if scope == "workload" else None,
        facts.destination,
        facts.path,
        facts.provider,
        facts.model,
        facts.operation.dialect,
        facts.operation.kind.value,
        facts.policy_revision,
        [field for field in facts.headers_out or () if field[0] not in _SAY_NOTHING],
        len(params.identity),
        len(tools.identity),
        (boxes, keys, turns, ",".join(channels), tuple(map(len, texts))),
    )
    digest = sha256(repr(head).encode("utf-8", "surrogatepass"))
    digest.update(b"\0")
    digest.update(params.identity)
    digest.update(tools.identity)
    digest.update("".join(texts).encode("utf-8", "surrogatepass"))
    return digest.digest()
