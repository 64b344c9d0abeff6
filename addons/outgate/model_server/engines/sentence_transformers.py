"""Run any model that a team has in a folder, with sentence-transformers: `pip install outgate[sentence-transformers]`.

Nothing is downloaded, and no code of the folder is run: weights are read from safetensors alone.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outgate.model_server.embedders import folder_version
from outgate.model_server.engines import EngineError

MAX_CHARACTERS = 65_536
"""Characters of a text that are split into tokens at all; how many tokens are read is the model's to say."""
_BATCH = 16


class SentenceTransformersEncoder:
    """An encoder on PyTorch, on the CPU and in one thread."""

    def __init__(self, folder: Path, model: Any) -> None:
        self.name, self.version = folder.name, folder_version(folder)
        self.dimension = int(model.get_embedding_dimension())
        self._model = model

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        readable = [text[:MAX_CHARACTERS].encode(errors="replace").decode() for text in texts]
        vectors = self._model.encode(readable, batch_size=_BATCH, normalize_embeddings=True, show_progress_bar=False)
        return [vector.astype("<f4").tobytes() for vector in vectors]


def encoder_of(folder: str) -> SentenceTransformersEncoder:
    """The model in a folder. Raises EngineError where there is none, it cannot be loaded, or the library is not installed."""
    path = Path(folder)
    if not path.is_dir():
        raise EngineError(f"{folder} is no folder")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise EngineError("sentence-transformers is not installed: pip install outgate[sentence-transformers]") from error
    torch.set_num_threads(1)
    try:
        safe = {"use_safetensors": True}
        model = SentenceTransformer(folder, device="cpu", local_files_only=True, trust_remote_code=False, model_kwargs=safe)
    except Exception as error:
        raise EngineError(f"{folder} holds no model that sentence-transformers can load: {type(error).__name__}") from error
    return SentenceTransformersEncoder(path, model)
