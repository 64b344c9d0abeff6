import pytest

from outgate.dialects.error_codes import failure_told
from outgate.errors import FailureKind


@pytest.mark.parametrize(
    ("tree", "kind"),
    [
        ({"error": {"code": "context_length_exceeded", "message": "m"}}, FailureKind.CONTEXT_LENGTH),
        (
            {"error": {"type": "invalid_request_error", "message": "prompt is too long: 210000 > 200000"}},
            FailureKind.CONTEXT_LENGTH,
        ),
        ({"object": "error", "message": "This model's maximum context length is 4096 tokens."}, FailureKind.CONTEXT_LENGTH),
        ({"error": {"code": "content_policy_violation"}}, FailureKind.CONTENT_FILTER),
        ({"error": {"code": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, FailureKind.CONTENT_FILTER),
        ({"error": {"type": "rate_limit_error"}}, FailureKind.RATE_LIMITED),
        ({"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded"}}}, FailureKind.RATE_LIMITED),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, FailureKind.RATE_LIMITED),
        ({"error": {"code": "invalid_api_key", "message": "m"}}, None),
        ({"error": "prompt is too long"}, None),
        ({"choices": []}, None),
    ],
)
def test_errors_of_each_api_name_their_failure(tree, kind):
    assert kind is failure_told(tree)
