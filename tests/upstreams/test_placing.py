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
        ({"azure_version": "2024-10-21"}, "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
    ],
)
def test_a_path_as_the_backend_has_it(more: dict[str, object], path: str) -> None:
    assert (path, b"{}") == placed(_backend(**more), _PATH, b"{}", "gpt")
