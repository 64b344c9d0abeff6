"""Answer a request for a count of tokens, of a model at a provider of another dialect: with our own count, marked as an estimate.

Coding agents ask for counts all the time, and another API counts otherwise, or not at all. Nobody is asked, and nothing charged.
"""

from typing import NamedTuple

from outgate.dialects.json_body import dump
from outgate.dialects.registry import asked_in, dialect, spec
from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import EventStream
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.plan import Answer
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Catalog

_ESTIMATED = Headers([("content-type", "application/json"), ("x-outgate-tokens", "estimated")])


class Reads(NamedTuple):
    """What is asked for, our count, and the provider of the routed model; None where no model is involved."""

    operation: Operation
    tokens_in: InputTokens
    provider: str | None = None


class AnswerCount(Stage):
    """The companion of `count_tokens`."""

    name = "answer_count"

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.contract = Contract.of(Reads, may=May.RESPOND, optional=("provider",), cost=0.002, passes=0.999)

    def run(self, facts: Reads, /) -> Outcome:
        if facts.operation.kind is not Kind.COUNT_TOKENS or not self._elsewhere(facts):
            return ()
        decoder = dialect(facts.operation.dialect).answer(facts.operation, stream=False, include_usage=False)
        told = dump(spec(facts.operation.dialect).counted(facts.tokens_in.exact()))
        return Answer(200, _ESTIMATED, EventStream.of([*decoder.feed(told), *decoder.end()]), "gateway")

    def _elsewhere(self, facts: Reads) -> bool:
        """Whether the provider of the model cannot be asked for it in this dialect."""
        backends = self._catalog.by_provider(facts.provider) if facts.provider is not None else ()
        return bool(backends) and asked_in(backends[0].dialect, backends[0].translating.apis, facts.operation) is None
