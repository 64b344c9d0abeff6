"""Resolve requests about batches: the file of one that is started is fetched and judged with it, line by line."""

from asyncio import to_thread
from dataclasses import replace

from outgate.dialects.batches import BATCH, file_of, with_lines
from outgate.dialects.registry import spec
from outgate.documents.sources import Sources, UnresolvedError
from outgate.errors import WireError
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt


async def resolved(sources: Sources, prompt: Prompt, params: Params, destination: str, dialect: str) -> tuple[Prompt, Params]:
    """The request with the lines of its file; one that only looks at batches or cancels them, as it is. Raises UnresolvedError."""
    file_id = file_of(prompt)
    if not file_id:
        return prompt, replace(params, server_state=tuple(name for name in params.server_state if name != BATCH))
    place, rule = sources.file(file_id, destination), spec(dialect).batch
    if place is None or rule is None:
        raise UnresolvedError("it is nowhere that the policy knows")
    fetched = await sources.fetch(place)
    assert fetched is not None
    try:
        return await to_thread(with_lines, prompt, params, fetched.data, rule)
    except WireError as error:
        raise UnresolvedError(str(error)) from None
