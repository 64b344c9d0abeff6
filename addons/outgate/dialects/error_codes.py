"""Codes by which providers say whose fault an error is: that this model cannot answer this request, where another one might, that
the request is at fault, or that a limit is reached.

They stand in the error of an answer of status 400 or 413, or of a stream: `code`, `status`, `type` or the sentence, as each API has
it. In a stream nothing else tells, for its status was 200.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from outgate.errors import FailureKind

_CODES = {
    "context_length_exceeded": FailureKind.CONTEXT_LENGTH,
    "model_max_prompt_tokens_exceeded": FailureKind.CONTEXT_LENGTH,
    "string_above_max_length": FailureKind.CONTEXT_LENGTH,
    "request_too_large": FailureKind.CONTEXT_LENGTH,
    "content_filter": FailureKind.CONTENT_FILTER,
    "content_policy_violation": FailureKind.CONTENT_FILTER,
    "responsibleaipolicyviolation": FailureKind.CONTENT_FILTER,
    "invalid_prompt": FailureKind.CONTENT_FILTER,
    "moderation_blocked": FailureKind.CONTENT_FILTER,
    "image_content_policy_violation": FailureKind.CONTENT_FILTER,
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "insufficient_quota": FailureKind.RATE_LIMITED,
    "billing_error": FailureKind.RATE_LIMITED,
    "resource_exhausted": FailureKind.RATE_LIMITED,
    "too_many_requests": FailureKind.RATE_LIMITED,
    "402": FailureKind.RATE_LIMITED,
    "429": FailureKind.RATE_LIMITED,
    "408": FailureKind.SERVER_ERROR,
}
_CALLERS = frozenset({
    "invalid_request_error", "authentication_error", "permission_error", "not_found_error", "conflict_error",
    "badrequesterror", "notfounderror", "unprocessableentityerror",
    "invalid_argument", "failed_precondition", "out_of_range", "not_found", "permission_denied", "unauthenticated", "cancelled",
    "invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url", "invalid_image_mode", "image_too_large",
    "image_too_small", "image_parse_error", "image_file_too_large", "unsupported_image_media_type", "empty_image_file",
    "failed_to_download_image", "image_file_not_found",
    *map(str, range(400, 500)),
})  # fmt: skip
"""Of OpenAI and Anthropic, of vLLM, of Gemini (google.rpc.Code), of Responses (`ResponseError`), and statuses told as a code."""
_OF_THE_ANSWER = (FailureKind.CONTEXT_LENGTH, FailureKind.CONTENT_FILTER)
_SENTENCES = (
    (re.compile(r"prompt is too long|maximum context length|context window|exceeds? the .*context"), FailureKind.CONTEXT_LENGTH),
    (re.compile(r"blocked by (?:our )?content filter|content management policy"), FailureKind.CONTENT_FILTER),
)  # fmt: skip
"""Of APIs that give no code: Anthropic's `invalid_request_error`, vLLM's `BadRequestError`, and others."""


def failure_told(tree: Mapping[str, Any]) -> FailureKind | None:
    """The failure that an error names; None for an error of another kind, or none."""
    error = _error(tree)
    kind = next((_CODES[code] for code in _codes(error) if code in _CODES), None)
    message = error.get("message")
    return kind or _of_sentence(message.lower() if isinstance(message, str) else "")


def is_callers(tree: Mapping[str, Any]) -> bool:
    """Whether an error is about the request: it says nothing against who answered it."""
    kind = failure_told(tree)
    return kind in _OF_THE_ANSWER or (kind is None and not _CALLERS.isdisjoint(_codes(_error(tree))))


def status_told(tree: Mapping[str, Any], otherwise: int) -> int:
    """The status of an error in a stream, by its codes; `otherwise` where the fault is the provider's."""
    if is_callers(tree):
        return 400
    return 429 if failure_told(tree) is FailureKind.RATE_LIMITED else otherwise


def _error(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """The error of an answer, of an event, or of the response in an event; of servers that tell it at the top, all there is."""
    response = tree.get("response")
    found = (tree.get("error"), response.get("error") if isinstance(response, Mapping) else None)
    return next((each for each in found if isinstance(each, Mapping)), tree)


def _codes(error: Mapping[str, Any]) -> Iterator[str]:
    """What an error says of its kind, the closest first, in small letters."""
    inner = error.get("innererror")
    said = (error.get("code"), error.get("status"), error.get("type"), inner.get("code") if isinstance(inner, Mapping) else None)
    return (str(code).lower() for code in said if isinstance(code, str | int))


def _of_sentence(message: str) -> FailureKind | None:
    return next((kind for pattern, kind in _SENTENCES if pattern.search(message[:2000])), None)
