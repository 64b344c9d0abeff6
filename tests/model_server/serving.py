"""A model server in the test's own event loop, with a model that the test holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from model_server.models import Echo
from outgate.model_server.process import serve
from outgate.model_server.supervise import listening


@asynccontextmanager
async def serving(path: Path, echo: Echo) -> AsyncIterator[None]:
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(path, {"pii": lambda: echo}, ended))
        await listening(str(path), 5)
        try:
            yield
        finally:
            echo.go.set()
            ended.set()
            await server
