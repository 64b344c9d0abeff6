"""Write the graphs of the packaged models, as set-up and the container's build do: `python -m outgate.model_server.prepare`."""

from contextlib import suppress
from pathlib import Path

from outgate.model_server.engines import graphs
from outgate.model_server.engines.onnx import load_encoder, load_scorer
from outgate.model_server.engines.packaged import VERIFIER
from outgate.model_server.loading import maker
from outgate.model_server.process import MODELS

_PREPARED = ("injection", "secrets")
"""Models that keep something in the folder that graphs are kept in."""


def main() -> None:
    """Load each model once; what it is made into stays for every process."""
    load_encoder()
    if VERIFIER.exists():
        load_scorer()
    folder: Path = graphs.folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (maker(entry, folder) for entry in MODELS):
        if name in _PREPARED:
            with suppress(ModuleNotFoundError):  # the environment of another engine has no scanners
                make()


if __name__ == "__main__":
    main()
