import asyncio

import orjson

from outgate.inference.operation import Kind, Operation
from outgate.inference.principal import Principal
from outgate.pipeline.plan import Answer
from outgate.stages.list_models import ListModels, ListModelsSettings, Reads
from outgate.upstreams.catalog import Backend, Catalog, Endpoint

ENDPOINT = (Endpoint(name="e", host="api.openai.com", port=443),)
CATALOG = Catalog([Backend(name="openai", provider="openai", dialect="openai", host="api.openai.com", endpoints=ENDPOINT)])
OFFERS = [
    {"models": ["fast", "gpt-4o"]},
    {"models": ["secret-model"], "workloads": ["beta"]},
    {"models": ["claude"], "providers": ["anthropic"]},
    {"models": ["gpt-4o", "late"], "groups": ["research"]},
]


def listed(dialect="openai"):
    stage = ListModels(ListModelsSettings.model_validate({"offers": OFFERS}), CATALOG, lambda: 1_700_000_000.0)
    principal = Principal(name="alpha", groups=frozenset({"research"}))
    answer = stage.run(Reads(principal, Operation(dialect, Kind.MODELS), "api.openai.com:443", True))
    assert isinstance(answer, Answer)
    assert (200, "gateway", "application/json") == (answer.status, answer.source, answer.headers.get("content-type"))

    async def read():
        return [event async for batch in answer.stream.source for event in batch]

    return orjson.loads(b"".join(event.encode() for event in asyncio.run(read())))


def test_what_the_caller_may_use_in_policy_order_without_repeats():
    assert ["fast", "gpt-4o", "late"] == [each["id"] for each in listed()["data"]]


def test_in_the_dialect_of_the_caller():
    assert "list" == listed("openai")["object"]
    assert "has_more" in listed("anthropic")


def test_other_requests_pass():
    stage = ListModels(ListModelsSettings(), CATALOG, lambda: 0.0)

    assert () == stage.run(Reads(Principal(name="a"), Operation("openai", Kind.CHAT), "api.openai.com:443", True))
