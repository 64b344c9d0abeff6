"""Codes by which providers say that this model cannot answer this request, where another one might.

They stand in the error of an answer of status 400 or 413, or of a stream: `code`, `type` or the sentence, as each API has it.
"""

import re
from collections.abc import Mapping
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
    "rate_limit_exceeded": FailureKind.RATE_LIMITED,
    "rate_limit_error": FailureKind.RATE_LIMITED,
    "insufficient_quota": FailureKind.RATE_LIMITED,
}
_SENTENCES = (
    (re.compile(r"prompt is too long|maximum context length|context window|exceeds? the .*context"), FailureKind.CONTEXT_LENGTH),
    (re.compile(r"blocked by (?:our )?content filter|content management policy"), FailureKind.CONTENT_FILTER),
)  # fmt: skip
"""Of APIs that give no code: Anthropic's `invalid_request_error`, vLLM's `BadRequestError`, and others."""


def failure_told(tree: Mapping[str, Any]) -> FailureKind | None:
    """The failure that an error names; None for an error of another kind, or none."""
    error = tree.get("error")
    error = error if isinstance(error, Mapping) else tree
    inner = error.get("innererror")
    said = [error.get("code"), error.get("type"), inner.get("code") if isinstance(inner, Mapping) else None]
    kind = next((_CODES[code.lower()] for code in said if isinstance(code, str) and code.lower() in _CODES), None)
    message = error.get("message")
    return kind or _of_sentence(message.lower() if isinstance(message, str) else "")


def _of_sentence(message: str) -> FailureKind | None:
    return next((kind for pattern, kind in _SENTENCES if pattern.search(message[:2000])), None)
