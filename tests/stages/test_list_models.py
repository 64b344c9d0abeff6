import asyncio

import orjson
import pytest

from outgate.errors import Denial
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


def asked(dialect="openai", **captured):
    stage = ListModels(ListModelsSettings.model_validate({"offers": OFFERS}), CATALOG, lambda: 1_700_000_000.0)
    principal = Principal(name="alpha", groups=frozenset({"research"}))
    operation = Operation(dialect, Kind.MODELS, tuple(captured.items()))
    return stage.run(Reads(principal, operation, "api.openai.com:443", True))


def listed(dialect="openai", **captured):
    answer = asked(dialect, **captured)
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


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_one_model_is_its_entry_in_the_list(dialect):
    assert listed(dialect)["data"][1] == listed(dialect, model="gpt-4o")


@pytest.mark.parametrize("name", ["secret-model", "claude", "nobody"])
def test_what_the_caller_may_not_use_is_not_there(name):
    denial = asked(model=name)

    assert isinstance(denial, Denial)
    assert ("model_not_found", 404) == (denial.code, denial.status)
    assert name in denial.message and "fast, gpt-4o, late" in denial.message


def test_other_requests_pass():
    stage = ListModels(ListModelsSettings(), CATALOG, lambda: 0.0)

    assert () == stage.run(Reads(Principal(name="a"), Operation("openai", Kind.CHAT), "api.openai.com:443", True))
