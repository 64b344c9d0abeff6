"""Azure OpenAI through the real gateway: as the provider of any client, and as the API of Azure's own SDK client."""

import openai
import pytest

from e2e.world import OPENAI_KEY, PASSING_ALL, World, anthropic_client, http, openai_client
from support import behaviours as b
from support.openai_answers import chat_completion, chat_events
from support.sse import TEXT

VERSION = "2024-10-21"
DEPLOYED = f"/openai/deployments/our-gpt-4o/chat/completions?api-version={VERSION}"
MESSAGES = [{"role": "user", "content": "hi"}]
FILTER = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}}
MODELS = """
list_models: {offers: [{models: [deployed, plain]}]}
model_map:
  models:
    deployed: [{provider: azure, model: our-gpt-4o}]
    v1: [{provider: azure-v1, model: our-gpt-4o}]
    plain: [{provider: openai, model: gpt-4o}]
"""
PROVIDER = """
{name}:
  host: {name}.openai.azure.com
  {settings}
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}, sni: api.openai.com}}
  credential: {{env: E2E_OPENAI_KEY, header: api-key}}
"""


@pytest.fixture(name="gateway", scope="module")
def _gateway(providers, tmp_path_factory):
    world = World(tmp_path_factory.mktemp("azure"), *providers)
    own = {"port": providers[0].port, "ca": world.folder / "upstream-ca.pem"}
    more = PROVIDER.format(name="azure", settings=f'azure_api_version: "{VERSION}"', **own)
    more += PROVIDER.format(name="azure-v1", settings="path_prefix: /openai", **own)
    with world.inside(world.policy(PASSING_ALL.replace("model_map: {passthrough: true}", MODELS), providers=more)) as gateway:
        yield gateway


@pytest.fixture(name="azure")
def _azure(providers):
    return providers[0]


def azure_client(gateway, **options):
    asked = {"azure_endpoint": "https://azure.openai.azure.com", "api_version": VERSION, **options}
    return openai.AzureOpenAI(api_key="workload-own-key", http_client=http(gateway), max_retries=0, **asked)


def filtered_events():
    """A stream as Azure writes it: what its filter says of the prompt comes first, in a chunk without a choice."""
    first = b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
    return [first, *chat_events([TEXT], "gpt-4o-2024-11-20", (9, 5))]


@pytest.mark.parametrize(("model", "target"), [("deployed", DEPLOYED), ("v1", "/openai/v1/chat/completions")])
def test_an_openai_client_is_answered_by_a_deployment(gateway, azure, model, target):
    answer = openai_client(gateway).chat.completions.create(model=model, messages=MESSAGES)

    [seen] = azure.seen
    assert (TEXT, target) == (answer.choices[0].message.content, seen.target)
    assert (OPENAI_KEY, None) == (seen.header("api-key"), seen.header("authorization"))
    assert b'"model":"our-gpt-4o"' in seen.body


def test_a_stream_with_the_filters_results_passes_whole(gateway, azure):
    azure.script(b.sse(filtered_events()))
    with openai_client(gateway).chat.completions.create(model="deployed", messages=MESSAGES, stream=True) as events:
        chunks = list(events)

    assert [{"prompt_index": 0}] == chunks[0].model_extra["prompt_filter_results"]
    assert TEXT == "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def test_the_filters_results_of_a_whole_answer_survive(gateway, azure):
    whole = chat_completion(TEXT, "gpt-4o-2024-11-20", (9, 5))
    whole["choices"][0]["content_filter_results"] = FILTER
    azure.script(b.answer_json(whole))
    answer = openai_client(gateway).chat.completions.create(model="deployed", messages=MESSAGES)

    assert FILTER == answer.choices[0].model_extra["content_filter_results"]


def test_an_anthropic_client_is_answered_by_a_deployment(gateway, azure):
    azure.script(b.sse(filtered_events()))
    asked = {"model": "deployed", "max_tokens": 50, "messages": MESSAGES}
    with anthropic_client(gateway).messages.stream(**asked) as events:
        answer = events.get_final_message()

    assert (TEXT, "chatcmpl-1", DEPLOYED) == (answer.content[0].text, answer.id, azure.seen[0].target)


@pytest.mark.parametrize("options", [{}, {"azure_deployment": "deployed"}, {"base_url": "https://azure.openai.azure.com/openai"}])
def test_azures_client_is_read_and_answered(gateway, azure, options):
    own = {"azure_endpoint": None} if "base_url" in options else {}
    client = azure_client(gateway, **own, **options)
    answer = client.chat.completions.create(model="deployed", messages=MESSAGES)

    [seen] = azure.seen
    assert (TEXT, DEPLOYED) == (answer.choices[0].message.content, seen.target)
    assert "workload-own-key" not in str(seen.fields)


def test_azures_client_is_answered_by_another_provider(gateway, azure):
    client = azure_client(gateway)
    answer = client.chat.completions.create(model="plain", messages=MESSAGES)

    [seen] = azure.seen
    assert (TEXT, "/v1/chat/completions") == (answer.choices[0].message.content, seen.target)
    assert (f"Bearer {OPENAI_KEY}", None) == (seen.header("authorization"), seen.header("api-key"))


def test_azures_client_reads_embeddings_responses_and_models(gateway, azure):
    client = azure_client(gateway)
    client.embeddings.create(model="deployed", input="hi")
    client.responses.create(model="deployed", input="hi")

    listed = [model.id for model in client.models.list()]
    assert [f"/openai/deployments/our-gpt-4o/embeddings?api-version={VERSION}", f"/openai/responses?api-version={VERSION}"] == [
        seen.target for seen in azure.seen
    ]
    assert ["deployed", "plain"] == listed


def test_a_body_need_not_name_the_deployment_again(gateway, azure):
    with http(gateway) as client:
        path = DEPLOYED.replace("our-gpt-4o", "deployed")
        reply = client.post(f"https://azure.openai.azure.com{path}", json={"messages": MESSAGES}, headers={"api-key": "own"})

    assert (200, DEPLOYED) == (reply.status_code, azure.seen[0].target)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ({"error": {"code": "DeploymentNotFound", "message": "The API deployment does not exist."}}, "does not exist"),
        ({"statusCode": 404, "message": "Resource not found"}, "Resource not found"),
        (
            {
                "error": {
                    "message": "The response was filtered",
                    "type": None,
                    "param": "prompt",
                    "code": "content_filter",
                    "status": 404,
                    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": FILTER},
                }
            },
            "was filtered",
        ),
    ],
)
def test_an_error_of_azure_is_the_sdks_typed_error(gateway, azure, error, told):
    azure.script(b.answer_json(error, 404))
    with pytest.raises(openai.NotFoundError, match=told):
        azure_client(gateway).chat.completions.create(model="deployed", messages=MESSAGES)


def test_a_refusal_by_the_gateway_is_azures_typed_error(gateway, azure):
    with pytest.raises(openai.APIStatusError) as raised:
        azure_client(gateway).chat.completions.create(model="unknown", messages=MESSAGES)

    assert ("model_not_found", []) == (raised.value.code, azure.seen)
