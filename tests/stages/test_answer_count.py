"""Counts of tokens are estimated for a model at a provider of another dialect, and for no other request."""

import asyncio

import orjson
import pytest

from outgate.inference.input_tokens import InputTokens
from outgate.inference.operation import Kind, Operation
from outgate.pipeline.contract import May
from outgate.stages.answer_count import AnswerCount, Reads
from outgate.upstreams.catalog import Backend, Catalog, Endpoint

AT = (Endpoint(name="e", host="e.test", port=443),)
PROVIDERS = (("acme", "openai"), ("clad", "anthropic"), ("goog", "gemini"))
BACKENDS = (Backend(name=name, provider=name, dialect=spoken, host=f"{name}.test", endpoints=AT) for name, spoken in PROVIDERS)
STAGE = AnswerCount(Catalog(tuple(BACKENDS)))
NAMES = {"anthropic": "input_tokens", "gemini": "totalTokens"}


async def gathered(stream):
    return [event async for batch in stream.source for event in batch]


ELSEWHERE = [("anthropic", "acme"), ("anthropic", "goog"), ("gemini", "acme"), ("gemini", "clad")]


@pytest.mark.parametrize(("dialect", "provider"), ELSEWHERE)
def test_a_count_for_a_provider_of_another_dialect_is_estimated(dialect, provider):
    outcome = STAGE.run(Reads(Operation(dialect, Kind.COUNT_TOKENS), InputTokens(900, lambda: 77), provider))

    [event] = asyncio.run(gathered(outcome.stream))
    assert {NAMES[dialect]: 77} == orjson.loads(event.encode())
    assert (200, "estimated", "gateway") == (outcome.status, outcome.headers.get("x-outgate-tokens"), outcome.source)


@pytest.mark.parametrize(
    ("dialect", "kind", "provider"),
    [
        pytest.param("anthropic", Kind.COUNT_TOKENS, "clad", id="the provider counts"),
        pytest.param("gemini", Kind.COUNT_TOKENS, "goog", id="the provider counts, too"),
        pytest.param("anthropic", Kind.CHAT, "acme", id="a conversation is translated"),
        pytest.param("anthropic", Kind.COUNT_TOKENS, None, id="no model is routed"),
        pytest.param("anthropic", Kind.COUNT_TOKENS, "ghost", id="nobody is there"),
    ],
)
def test_anything_else_goes_on(dialect, kind, provider):
    assert () == STAGE.run(Reads(Operation(dialect, kind), InputTokens(77), provider))


def test_it_writes_nothing():
    assert ((), May.RESPOND) == (STAGE.contract.writes, STAGE.contract.may)
