"""The OpenAI API: chat completions, embeddings, models, as OpenAI and many compatible servers speak it."""

from outgate.dialects.cached_usage import detailed
from outgate.dialects.openai.azure import addresses
from outgate.dialects.openai.calls import ChatCalls
from outgate.dialects.openai.chat import OpenAI
from outgate.dialects.openai.convert import CONVERTER
from outgate.dialects.openai.ending import ChatEnding
from outgate.dialects.openai.tables import BATCH, ERROR_TYPES, FINISHES
from outgate.dialects.spec import BEARER, MODEL, Framing, ImageMarks, KeyField, PathTemplate, Spec
from outgate.inference.operation import Kind

_PAGE = {"after": r"[A-Za-z0-9_-]+", "limit": r"[0-9]{1,3}"}

SPEC = Spec(
    name=OpenAI.name,
    codec=OpenAI,
    paths=(
        PathTemplate("POST /v1/chat/completions", Kind.CHAT, query=None),
        PathTemplate("POST /v1/embeddings", Kind.EMBEDDINGS, query=None),
        PathTemplate("POST /v1/completions", Kind.TEXT, query=None),
        PathTemplate("POST /v1/images/{task}", Kind.IMAGES, values={"task": "generations|edits|variations"}, query=None),
        PathTemplate("POST /v1/audio/speech", Kind.SPEECH, query=None),
        PathTemplate("POST /v1/audio/{task}", Kind.TRANSCRIPTION, values={"task": "transcriptions|translations"}, query=None),
        PathTemplate("POST /v1/moderations", Kind.MODERATION, query=None),
        PathTemplate("POST /v1/files", Kind.FILES, query=None),
        PathTemplate("POST /v1/batches", Kind.BATCHES),
        PathTemplate("GET /v1/batches", Kind.BATCHES, query=_PAGE),
        PathTemplate("GET /v1/batches/{batch}", Kind.BATCHES),
        PathTemplate("POST /v1/batches/{batch}/cancel", Kind.BATCHES),
        PathTemplate("GET /v1/models", Kind.MODELS, query=None),
        PathTemplate("GET /v1/models/{model}", Kind.MODELS, values={"model": MODEL}, query=None),
    ),
    also=(
        *addresses("POST", "/chat/completions", Kind.CHAT, deployed=True),
        *addresses("POST", "/embeddings", Kind.EMBEDDINGS, deployed=True),
        *addresses("GET", "/models", Kind.MODELS),
        *addresses("GET", "/models/{model}", Kind.MODELS),
    ),
    owns=(
        "/v1/chat", "/v1/completions", "/v1/embeddings", "/v1/files", "/v1/batches", "/v1/audio", "/v1/images", "/v1/moderations",
        "/v1/assistants", "/v1/threads", "/openai",
    ),
    keys=(BEARER, KeyField("api-key")),
    credential=BEARER,
    request_fields=frozenset({"openai-beta", "openai-organization", "openai-project"}),
    account_fields=frozenset({"openai-organization", "openai-project"}),
    response_fields=frozenset({"apim-request-id", "x-ms-region"}),
    response_prefixes=("openai-",),
    error_types=ERROR_TYPES,
    finishes=FINISHES,
    framing=Framing(first_message=7, further_message=4, tool_prompt=12),
    images=ImageMarks(
        mark=r'"image_url":',
        data=r'"image_url":(?:\{(?:"detail":"[a-z]*",)?"url":)?"data:image/[a-z]+;base64,',
    ),
    cached_usage=detailed("prompt_tokens"),
    batch=BATCH,
    calls=ChatCalls,
    ending=ChatEnding,
    converter=CONVERTER,
)  # fmt: skip
