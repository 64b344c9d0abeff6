"""The Anthropic API: messages and models."""

from outgate.dialects.anthropic.calls import MessageCalls
from outgate.dialects.anthropic.convert import CONVERTER
from outgate.dialects.anthropic.ending import MessageEnding
from outgate.dialects.anthropic.messages import Anthropic
from outgate.dialects.anthropic.stream import cached_usage
from outgate.dialects.anthropic.tables import ERROR_TYPES, FINISHES, MOST_OUTPUT
from outgate.dialects.spec import BEARER, MODEL, Framing, ImageMarks, KeyField, PathTemplate, Spec
from outgate.dialects.vertex import addresses
from outgate.inference.operation import Kind

SPEC = Spec(
    name=Anthropic.name,
    codec=Anthropic,
    paths=(
        PathTemplate("POST /v1/messages", Kind.CHAT, query=None),  # `?beta=true` is the SDK's beta client; the same body
        PathTemplate("POST /v1/messages/count_tokens", Kind.COUNT_TOKENS, query=None),
        PathTemplate("POST /v1/files", Kind.FILES, query=None),
        PathTemplate("GET /v1/models", Kind.MODELS, query=None),
        PathTemplate("GET /v1/models/{model}", Kind.MODELS, values={"model": MODEL}, query=None),
    ),
    also=(
        *addresses("anthropic", "rawPredict", Kind.COUNT_TOKENS, "count-tokens"),
        *addresses("anthropic", "rawPredict|streamRawPredict", Kind.CHAT),
    ),
    owns=("/v1/messages", "/v1/files", "/v1/complete"),
    keys=(KeyField("x-api-key"), BEARER),
    credential=KeyField("x-api-key"),
    request_fields=frozenset({"anthropic-beta", "anthropic-version"}),
    response_prefixes=("anthropic-ratelimit-",),
    error_types=ERROR_TYPES,
    statuses={403: 400},  # Claude Code asks its user to log in
    finishes=FINISHES,
    framing=Framing(first_message=7, further_message=4, tool_prompt=346),
    images=ImageMarks(
        mark=r'"type":"image"',
        data=r'"type":"image","source":\{(?:"(?:type|media_type)":"[a-z0-9/]*",)*"data":"',
    ),
    file_fields=(("anthropic-version", "2023-06-01"), ("anthropic-beta", "files-api-2025-04-14")),
    cached_usage=cached_usage,
    counted=lambda tokens: {"input_tokens": tokens},
    own_fields=(("anthropic-version", "2023-06-01"),),
    most_output=MOST_OUTPUT,
    calls=MessageCalls,
    ending=MessageEnding,
    converter=CONVERTER,
)
