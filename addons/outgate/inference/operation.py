"""Operation of a request: its API and kind of work, decided from method and path alone."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """OpenTelemetry GenAI `gen_ai.operation.name`, plus what is not inference."""

    CHAT = "chat"
    COUNT_TOKENS = "count_tokens"
    EMBEDDINGS = "embeddings"
    TEXT = "text_completion"
    IMAGES = "image_generation"
    SPEECH = "speech"
    TRANSCRIPTION = "transcription"
    MODERATION = "moderation"
    MODELS = "models"
    FILES = "files"
    BATCHES = "batches"
    OPAQUE = "opaque"


class Operation(NamedTuple):
    """The dialect (`openai`, `anthropic`, `none` …), the kind of work, and what stands in the path for the template's names."""

    dialect: str
    kind: Kind
    captured: tuple[tuple[str, str], ...] = ()
