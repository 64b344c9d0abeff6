"""Counts of tokens for models of a provider of another dialect: estimated by the gateway, and nothing is asked."""

import anthropic
import pytest

from e2e.translating import APIS, line_of, post, translating
from e2e.world import anthropic_client, google_client, http
from support.behaviours import answer_json

STAGES = """
prompt_guard: {phrases: [crimson walrus]}
redact: {}
count_tokens: {}
token_budget: {limits: [{name: all, tokens: 100000}]}
"""
ASKED = {"messages": [{"role": "user", "content": "How many roads must a man walk down? Ask maria@acme-shop.com."}]}
TOOL = {"name": "walk", "description": "Walk a road to its end.", "input_schema": {"type": "object", "properties": {"road": {}}}}
ELSEWHERE = [api for api in APIS if api not in ("anthropic", "gemini")]


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    with translating(tmp_path_factory.mktemp("counted"), providers, STAGES) as gateway:
        yield gateway


def sent(providers):
    return [seen.target for provider in providers for seen in provider.seen]


@pytest.mark.parametrize("api", [*ELSEWHERE, "gemini"])
def test_the_anthropic_sdk_gets_an_estimate(gateway, providers, api):
    count = anthropic_client(gateway).messages.count_tokens
    plain, tools = count(model=f"to-{api}", **ASKED), count(model=f"to-{api}", tools=[TOOL], **ASKED)

    assert 10 < plain.input_tokens < 60
    assert tools.input_tokens > plain.input_tokens
    assert [] == sent(providers)


@pytest.mark.parametrize("api", [*ELSEWHERE, "anthropic"])
def test_the_google_sdk_gets_an_estimate(gateway, providers, api):
    counted = google_client(gateway).models.count_tokens(model=f"to-{api}", contents=ASKED["messages"][0]["content"])

    assert 10 < counted.total_tokens < 60
    assert [] == sent(providers)


def test_an_estimate_says_so_and_costs_nothing(gateway):
    with http(gateway) as client:
        reply = client.post("https://api.anthropic.com/v1/messages/count_tokens", json={"model": "to-openai", **ASKED})

    assert (200, "estimated") == (reply.status_code, reply.headers["x-outgate-tokens"])
    line = line_of(gateway, reply)
    assert ("gateway", "nothing") == (line["outgate.source"], line["outgate.charged"])
    assert reply.json()["input_tokens"] == line["outgate.tokens.counted"]


def test_what_a_guard_refuses_is_not_counted(gateway):
    with pytest.raises(anthropic.BadRequestError):
        anthropic_client(gateway).messages.count_tokens(
            model="to-openai", messages=[{"role": "user", "content": "the crimson walrus"}]
        )


def test_a_model_of_the_own_dialect_is_counted_by_its_provider(gateway, providers):
    path = "/v1/messages/count_tokens"
    providers[1].script(answer_json({"input_tokens": 77}))
    counted = anthropic_client(gateway).messages.count_tokens(model="to-anthropic", **ASKED)

    assert (77, [path]) == (counted.input_tokens, sent(providers))


def test_the_estimate_is_what_a_budget_would_hold_for_the_request(gateway):
    counted = anthropic_client(gateway).messages.count_tokens(model="to-openai", **ASKED).input_tokens
    reply = post(gateway, "anthropic", "to-openai", {"max_tokens": 9, **ASKED})

    assert counted == line_of(gateway, reply)["outgate.tokens.counted"]
