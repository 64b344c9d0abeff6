"""A request is placed where its backend has the API."""

import pytest

from outgate.upstreams.catalog import Backend, Endpoint
from outgate.upstreams.placing import placed

_PATH = "/v1/chat/completions"


def _backend(**more: object) -> Backend:
    return Backend(
        name="b", provider="b", dialect="openai", host="b.test", endpoints=(Endpoint(name="b", host="b.test", port=443),), **more
    )


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({}, _PATH),
        ({"path_prefix": "/openai"}, f"/openai{_PATH}"),
        ({"base_path": "/"}, "/chat/completions"),
        ({"base_path": "/api/v4"}, "/api/v4/chat/completions"),
        ({"azure_version": "2024-10-21"}, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
    ],
)
def test_a_path_as_the_backend_has_it(more: dict[str, object], path: str) -> None:
    assert (path, b"{}") == placed(_backend(**more), "openai", _PATH, b"{}", "gpt")


def test_what_is_not_of_its_api_stays_where_it_is() -> None:
    backend = _backend(base_path="/")

    assert ["/v1/messages", "/v1/agents"] == [
        placed(backend, api, path, b"", "m")[0] for api, path in (("anthropic", "/v1/messages"), ("none", "/v1/agents"))
    ]
