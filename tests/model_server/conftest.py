"""The real model server, started once."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from outgate.model_server.supervise import listening


@pytest.fixture(name="model_server_process", scope="session")
def _model_server_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    path = str(tmp_path_factory.mktemp("models") / "socket")
    command = [sys.executable, "-m", "outgate.model_server.process", "--socket", path]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=dict(os.environ))
    try:
        asyncio.run(listening(path, 60))
        yield process, path
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(name="socket_path")
def _socket_path(model_server_process: tuple[subprocess.Popen[bytes], str]) -> Path:
    return Path(model_server_process[1])
