"""Pick the backend: one of the routed provider, or, where no model was routed, the one the caller addressed.

A backend of another dialect takes conversations that can be translated, and nothing else; `answer_count` goes first, and has
answered what asks for a count.
"""

from typing import NamedTuple

from outgate.dialects.registry import asked_in
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.pipeline.contract import Contract, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.upstreams.catalog import Backend, Catalog

_COUNT = " The stage count_tokens answers it with an estimate, for a model that the policy maps."


class Reads(NamedTuple):
    """Where the caller wanted to go, and what was routed; `provider` is None where no model is involved."""

    destination: str
    operation: Operation
    provider: str | None
    provider_state: frozenset[str] | None


class PickBackend(Stage):
    """Provider or destination to backend."""

    name = "pick_backend"

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.contract = Contract.of(
            Reads, writes=("backend",), may=May.DENY, after=("answer_count",), optional=("provider",), cost=0.003
        )

    def run(self, facts: Reads, /) -> Outcome:
        backend = self._backend(facts.destination, facts.provider)
        if backend is None:
            return _no_backend(facts)
        if backend.provider in (facts.provider_state or ()):
            return Denial(
                code="no_backend", status=503, message="Every provider that the policy routes this request to has failed."
            )
        if asked_in(backend.dialect, backend.translating.apis, facts.operation) is None:
            return _mismatch(facts.operation, backend)
        return (backend,)

    def _backend(self, destination: str, provider: str | None) -> Backend | None:
        """Of several backends of the provider, the one that was addressed, else the first."""
        addressed = self._catalog.by_destination(destination)
        if provider is None or (addressed is not None and addressed.provider == provider):
            return addressed
        return next(iter(self._catalog.by_provider(provider)), None)


def _mismatch(operation: Operation, backend: Backend) -> Denial:
    dialect = operation.dialect
    return Denial(
        code="provider_mismatch",
        status=400,
        message=f"This path speaks {dialect}; the policy routes the model to a provider that speaks {backend.dialect}, "
        f"and {operation.kind} is not translated between them." + _COUNT * (operation.kind is Kind.COUNT_TOKENS),
    )


def _no_backend(facts: Reads) -> Denial:
    if facts.provider is None:
        return Denial(code="no_backend", status=403, message="The policy has no provider at this destination.")
    return Denial(code="no_backend", status=503, message="The policy names a provider for this model but no backend of it.")
