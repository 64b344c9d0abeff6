"""What a request asks of a provider, decided from its method and path alone."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """OpenTelemetry GenAI `gen_ai.operation.name`, plus what is not inference."""

    CHAT = "chat"
    EMBEDDINGS = "embeddings"
    MODELS = "models"
    OPAQUE = "opaque"


class Operation(NamedTuple):
    """The dialect (`openai`, `anthropic`, `none`) and the kind of work."""

    dialect: str
    kind: Kind
