"""The Responses API: what OpenAI's providers serve at `POST /v1/responses`, the SDK's first example and what Codex speaks."""

from outgate.dialects.cached_usage import detailed
from outgate.dialects.openai.azure import addresses
from outgate.dialects.openai.tables import ERROR_TYPES
from outgate.dialects.responses.calls import ResponseCalls
from outgate.dialects.responses.codec import LEAST_OUTPUT, Responses
from outgate.dialects.responses.convert import CONVERTER
from outgate.dialects.responses.ending import ResponseEnding
from outgate.dialects.responses.tables import FINISHES
from outgate.dialects.spec import BEARER, Framing, ImageMarks, KeyField, PathTemplate, Spec
from outgate.inference.operation import Kind

SPEC = Spec(
    name=Responses.name,
    codec=Responses,
    paths=(PathTemplate("POST /v1/responses", Kind.CHAT, query=None),),
    also=(
        *addresses("POST", "/responses", Kind.CHAT),
        PathTemplate("POST /backend-api/codex/responses", Kind.CHAT, query=None),  # Codex with a login of ChatGPT
    ),
    served_by="openai",
    owns=("/v1/responses", "/v1/conversations", "/backend-api/codex/responses"),
    keys=(BEARER, KeyField("api-key")),
    credential=BEARER,
    request_fields=frozenset({"openai-beta", "openai-organization", "openai-project"}),
    account_fields=frozenset({"openai-organization", "openai-project"}),
    response_fields=frozenset({"apim-request-id", "x-ms-region"}),
    response_prefixes=("openai-",),
    error_types=ERROR_TYPES,
    statuses={401: 400, 403: 400, 404: 400, 413: 400, 415: 400, 503: 429},  # Codex tries on for 7 s, after 503 for 25 s
    lasting=400,  # and shows no sentence with 429
    finishes=FINISHES,
    framing=Framing(first_message=7, further_message=4, tool_prompt=12),
    images=ImageMarks(
        mark=r'"image_url":|"type":"image_generation_call"',
        data=r'"image_url":"data:image/[a-z]+;base64,',
    ),
    least_output=LEAST_OUTPUT,
    cached_usage=detailed("input_tokens"),
    calls=ResponseCalls,
    ending=ResponseEnding,
    converter=CONVERTER,
)
