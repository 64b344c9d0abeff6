import pytest

from outgate.dialects.registry import operation_for
from outgate.inference.operation import Kind

PLACE = "/v1/projects/acme-1/locations/us-central1/publishers"


@pytest.mark.parametrize(
    ("target", "dialect", "kind", "model"),
    [
        (f"{PLACE}/google/models/gemini-2.5-flash:generateContent", "gemini", Kind.CHAT, "gemini-2.5-flash"),
        (f"{PLACE}/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "gemini", Kind.CHAT, "gemini-2.5-flash"),
        (PLACE.replace("v1", "v1beta1", 1) + "/google/models/m:countTokens", "gemini", Kind.COUNT_TOKENS, "m"),
        (f"{PLACE}/anthropic/models/claude-x@2025:rawPredict", "anthropic", Kind.CHAT, "claude-x@2025"),
        (f"{PLACE}/anthropic/models/claude-x:streamRawPredict", "anthropic", Kind.CHAT, "claude-x"),
        (f"{PLACE}/anthropic/models/count-tokens:rawPredict", "anthropic", Kind.COUNT_TOKENS, "count-tokens"),
    ],
)
def test_an_address_is_known_by_its_work(target, dialect, kind, model):
    operation = operation_for("POST", target)

    assert (dialect, kind, model) == (*operation[:2], dict(operation.captured)["model"])


@pytest.mark.parametrize(
    "target",
    [
        f"{PLACE}/google/models/m:predict",
        f"{PLACE}/meta/models/m:rawPredict",
        "/v1/projects/acme-1/locations/us-central1/endpoints/1:rawPredict",
    ],
)
def test_what_nobody_reads_is_opaque(target):
    assert Kind.OPAQUE is operation_for("POST", target).kind
