"""Write the graphs of the packaged models, as set-up and the container's build do: `python -m outgate.model_server.prepare`."""

from outgate.model_server.engines.onnx import load_encoder, load_scorer
from outgate.model_server.engines.packaged import VERIFIER


def main() -> None:
    """Load each model once; what it is made into stays for every process."""
    load_encoder()
    if VERIFIER.exists():
        load_scorer()


if __name__ == "__main__":
    main()
