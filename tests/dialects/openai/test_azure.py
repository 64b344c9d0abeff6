import pytest

from outgate.dialects.openai.azure import plain
from outgate.dialects.registry import operation_for
from outgate.inference.operation import Kind

DEPLOYED = "/openai/deployments/gpt-4o"
VERSION = "?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("method", "target", "dialect", "kind"),
    [
        ("POST", f"{DEPLOYED}/chat/completions{VERSION}", "openai", Kind.CHAT),
        ("POST", f"{DEPLOYED}/embeddings{VERSION}-preview", "openai", Kind.EMBEDDINGS),
        ("POST", "/openai/v1/chat/completions", "openai", Kind.CHAT),
        ("POST", "/openai/v1/responses?api-version=preview", "responses", Kind.CHAT),
        ("POST", f"/openai/responses{VERSION}", "responses", Kind.CHAT),
        ("GET", f"/openai/models{VERSION}", "openai", Kind.MODELS),
        ("POST", f"{DEPLOYED}/chat/completions?api-version=x", "openai", Kind.OPAQUE),
        ("POST", f"{DEPLOYED}/extensions/chat/completions{VERSION}", "openai", Kind.OPAQUE),
    ],
)
def test_an_address_is_known_by_its_work(method, target, dialect, kind):
    assert (dialect, kind) == operation_for(method, target)[:2]


@pytest.mark.parametrize(
    ("target", "own"),
    [
        (f"{DEPLOYED}/chat/completions{VERSION}", "/v1/chat/completions"),
        ("/openai/v1/responses?api-version=preview", "/v1/responses"),
        (f"/openai/responses{VERSION}", "/v1/responses"),
        ("/v1/chat/completions?x=1", "/v1/chat/completions?x=1"),
    ],
)
def test_what_leaves_has_openais_own_path(target, own):
    assert own == plain(target)
