"""Write the graphs of the packaged models, as set-up and the container's build do: `python -m outgate.model_server.prepare`."""

from outgate.model_server.engines.onnx import load_encoder


def main() -> None:
    """Load each model once; what it is made into stays for every process."""
    load_encoder()


if __name__ == "__main__":
    main()
