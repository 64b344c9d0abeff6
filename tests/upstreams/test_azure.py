import pytest

from outgate.upstreams.azure import target_at

VERSION = "2024-10-21"


@pytest.mark.parametrize(
    ("target", "model", "wanted"),
    [
        ("/v1/chat/completions", "gpt-4o", "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"),
        ("/v1/embeddings", "a/b c", "/openai/deployments/a%2Fb%20c/embeddings?api-version=2024-10-21"),
        ("/v1/responses", "gpt-4o", "/openai/responses?api-version=2024-10-21"),
        ("/v1/files?limit=5", "", "/openai/files?limit=5&api-version=2024-10-21"),
        ("/openai/other?x=1", "m", "/openai/other?x=1"),
    ],
)
def test_a_target_is_that_of_the_deployment(target, model, wanted):
    assert wanted == target_at(VERSION, target, model)


@pytest.mark.parametrize("given", ["api-version=2020-01-01", "api%2Dversion=2020-01-01"])
def test_attack_of_a_second_version(given):
    assert target_at(VERSION, f"/v1/chat/completions?{given}", "m").endswith("completions?api-version=2024-10-21")
