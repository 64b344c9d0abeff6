"""Receive a request: its body within bounds, as its dialect decodes it, and room in memory for what that takes."""

from asyncio import get_running_loop
from functools import partial
from typing import Any, NamedTuple

from outgate.dialects import opaque
from outgate.dialects.query import with_query
from outgate.dialects.registry import dialect
from outgate.dialects.spec import Request, RequestLine
from outgate.errors import Denial, WireError
from outgate.exchange.body import RequestBody
from outgate.exchange.channel import RequestHead
from outgate.exchange.memory_estimate import memory_of
from outgate.inference.operation import Kind, Operation
from outgate.inference.prompt import MEDIA
from outgate.policy.schema import LimitsSection
from outgate.upstreams.catalog import Backend
from outgate.upstreams.upload import Upload

_AT_ONCE = 2 << 20
"""Bytes of a body that are read on the loop; longer ones in a thread, so that others go on between its steps."""


class Received(NamedTuple):
    """A decoded request, and its bytes beside images, audio and files."""

    request: Request
    text: int


def bound(
    body: RequestBody, head: RequestHead, operation: Operation, backend: Backend | None, limits: LimitsSection, *, media: bool
) -> None:
    """Allow a body what it may have; one that nobody reads is sent on as it comes where its provider is opened for that."""
    opened = backend is not None and backend.stream_uploads and operation.kind is Kind.OPAQUE
    if opened and not body.empty:
        body.pass_on(head.headers, limits.body_seconds)
    else:
        body.narrow(limits.largest if media else limits.body_bytes, head.headers.get("content-length"))


async def receive(head: RequestHead, operation: Operation, body: RequestBody, limits: LimitsSection) -> Received | Denial:
    """The request, or why it is refused. Of one that is sent on as it comes there is the head alone."""
    if body.upload is not None and body.refusal is not None:
        return body.refusal
    if body.upload is not None:
        request = opaque.unread(RequestLine(head.method, head.path, operation), body.upload.length or 0)
        return Received(request._replace(prompt=with_query(request.prompt, head.path)), 0)
    raw = await body.whole(limits.body_seconds)
    if not isinstance(raw, Denial) and "content-encoding" in head.headers:
        raw = body.decoded(raw, head.headers, body.limit)
    if isinstance(raw, Denial):
        return raw
    try:
        decode = partial(dialect(operation.dialect).decode, RequestLine(head.method, head.path, operation), head.headers, raw)
        request = await get_running_loop().run_in_executor(None, decode) if len(raw) > _AT_ONCE else decode()
    except WireError as error:
        return Denial(code=error.code, status=400, message=str(error))
    request = request._replace(prompt=with_query(request.prompt, head.path))
    text = len(raw) - sum(part.bytes for part in request.prompt.parts if part.kind in MEDIA)
    return body.grown(memory_of(len(raw), request)) or Received(request, text)


def facts_of(request: Request, upload: Upload | None = None) -> dict[str, Any]:
    """The facts that a decoded body gives, or one that is sent on as it comes."""
    told = {"prompt": request.prompt, "tools": request.tools, "params": request.params, "model.requested": request.model}
    return told | {"answer.form": request.params.form, "upload": upload}
