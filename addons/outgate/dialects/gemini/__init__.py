"""The Gemini API: contents generated whole and streamed, tokens counted, embeddings, models; in the versions `v1` and `v1beta`."""

from outgate.dialects.gemini.calls import GeminiCalls
from outgate.dialects.gemini.codec import Gemini
from outgate.dialects.gemini.convert import CONVERTER
from outgate.dialects.gemini.ending import GeminiEnding
from outgate.dialects.gemini.stream import cached_usage
from outgate.dialects.gemini.tables import ERROR_TYPES, FINISHES
from outgate.dialects.spec import BEARER, MODEL, Framing, ImageMarks, KeyField, PathTemplate, Spec
from outgate.dialects.vertex import addresses
from outgate.inference.operation import Kind

_KINDS = {
    "generateContent|streamGenerateContent": Kind.CHAT,
    "countTokens": Kind.COUNT_TOKENS,
    "embedContent|batchEmbedContents": Kind.EMBEDDINGS,
}
_VERSIONS = ("v1", "v1beta")

SPEC = Spec(
    name=Gemini.name,
    codec=Gemini,
    vendor="google",
    paths=(
        *(
            PathTemplate(f"POST /{version}/models/{{model}}:{{verb}}", kind, values={"model": MODEL, "verb": verb}, query=None)
            for version in _VERSIONS
            for verb, kind in _KINDS.items()
        ),
        *(PathTemplate(f"GET /{version}/models", Kind.MODELS, query=None) for version in _VERSIONS),
        *(
            PathTemplate(f"GET /{version}/models/{{model}}", Kind.MODELS, values={"model": MODEL}, query=None)
            for version in _VERSIONS
        ),
    ),
    also=tuple(each for verb, kind in _KINDS.items() if kind is not Kind.EMBEDDINGS for each in addresses("google", verb, kind)),
    owns=(
        "/v1beta/models", "/v1beta/tunedModels", "/v1beta/cachedContents", "/v1beta/files", "/v1beta/corpora", "/v1beta/batches",
        "/upload/v1beta/files",
    ),
    keys=(KeyField("x-goog-api-key"), BEARER),
    key_query=("key", "access_token"),
    credential=KeyField("x-goog-api-key"),
    request_fields=frozenset({"x-goog-api-client"}),
    error_types=ERROR_TYPES,
    finishes=FINISHES,
    framing=Framing(first_message=7, further_message=4, tool_prompt=12),
    images=ImageMarks(
        mark=r'"mime(?:T|_t)ype":"image/',
        data=r'"inline(?:D|_d)ata":\{"mime(?:T|_t)ype":"image/[a-z]+","data":"',
    ),
    cached_usage=cached_usage,
    counted=lambda tokens: {"totalTokens": tokens},
    calls=GeminiCalls,
    ending=GeminiEnding,
    converter=CONVERTER,
)  # fmt: skip
