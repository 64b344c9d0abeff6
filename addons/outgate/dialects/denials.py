"""How a denial is spelled: the error type that each API uses for a status, from which its SDKs raise their typed exceptions."""

OPENAI = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    429: "rate_limit_error",
}
ANTHROPIC = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def openai_type(status: int) -> str:
    """`error.type` for a status (platform.openai.com/docs/guides/error-codes)."""
    return OPENAI.get(status) or ("server_error" if status >= 500 else "invalid_request_error")


def anthropic_type(status: int) -> str:
    """`error.type` for a status (docs.anthropic.com/en/api/errors)."""
    return ANTHROPIC.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
