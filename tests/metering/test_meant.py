import pytest

from outgate.metering.meant import Names, meant

KNOWN = Names(
    {"api.openai.com:443": "openai", "gateway:8080": "openai"}, frozenset({"research"}), frozenset({"qwen3-32b", "gpt-4o-ours"})
)


def said(code, **line):
    found = meant({"outgate.denial.code": code} | line, KNOWN)
    return found.name if found is not None else None


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gpt-4o-mimi", "gpt-4o-mini"),
        ("gtp-4o", "gpt-4o"),
        ("gpt-40-mini", "gpt-4o-mini"),
        ("GPT-4o-mini", "gpt-4o-mini"),
        ("claude-sonet-4-5", "claude-sonnet-4-5"),
        ("claude-sonnet-4.5", "claude-sonnet-4-5"),
        ("text-embedding-3-smal", "text-embedding-3-small"),
        ("qwen3-32", "qwen3-32b"),
        ("gpt-4o-our", "gpt-4o-ours"),
    ],
)
@pytest.mark.parametrize("code", ["model_not_authorized", "not_authorized", "model_not_found", "no_route"])
def test_a_misspelt_model_is_told_as_the_one_that_may_be_meant(code, asked, name):
    assert name == said(code, **{"outgate.model.requested": asked})


@pytest.mark.parametrize(
    "asked",
    ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "claude-haiku-4-5-20251001", "gpt-5.9", "qwen3-8b", "qwen3-32b", "qwen3-32b-mine",
     "our-own", "(hidden)", "", None, 5],
)  # fmt: skip
def test_another_model_is_no_slip(asked):
    assert said("model_not_authorized", **{"outgate.model.requested": asked}) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/chat/completion", "/v1/chat/completions"),
        ("/chat/completions", "/v1/chat/completions"),
        ("/v1/v1/chat/completions", "/v1/chat/completions"),
        ("/v1/message", "/v1/messages"),
        ("/v1/chat/completions", None),
        ("/v1/vector_stores", None),
        ("/v1/file/(hidden)", None),
        (5, None),
    ],
)
@pytest.mark.parametrize("code", ["no_route", "unjudged_content", "not_authorized"])
def test_a_misspelt_path(code, path, name):
    assert name == said(code, **{"url.path": path})


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("api.opnai.com:443", "api.openai.com:443"),
        ("gatway:8080", "gateway:8080"),
        ("gateway:8081", None),
        ("api.mistral.ai:443", None),
    ],
)
def test_a_misspelt_host_names_its_provider(host, name):
    assert name == said("destination_denied", **{"server.address": host})


@pytest.mark.parametrize(
    ("asked", "name"), [("reserch", "research"), ("Research", "research"), ("research", None), ("other", None)]
)
def test_a_misspelt_workload(asked, name):
    assert name == said("proxy_authentication_required", **{"presented.name": asked})


def test_it_says_why():
    line = {"outgate.denial.code": "destination_denied", "server.address": "api.opnai.com:443"}
    why = "No provider of the policy is at api.opnai.com:443, openai is there"

    assert f"did you mean api.openai.com:443? {why}" == str(meant(line, KNOWN))


def test_other_refusals_are_no_slip():
    assert said("budget_exhausted", **{"outgate.model.requested": "gtp-4o"}) is None
