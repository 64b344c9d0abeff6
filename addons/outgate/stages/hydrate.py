"""Put the text of files in their place, before anything is judged: documents in the request, files that it refers to.

What is sent is written from the tree that has the text in it: what guards, redaction and the count see is what the provider gets.
A reference that is not resolved stays, and `admit_parts` refuses it.
"""

from asyncio import to_thread
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from outgate.dialects.attachments import Attachment, Place, attachments
from outgate.dialects.places import described
from outgate.dialects.query import with_query
from outgate.dialects.registry import dialect
from outgate.dialects.spec import Request, RequestLine
from outgate.dialects.uploads import FormDocument
from outgate.documents.batches import resolved
from outgate.documents.contents import Contents
from outgate.documents.reader import DocumentReader
from outgate.documents.settings import HydrateSettings
from outgate.documents.sources import Sources, UnresolvedError
from outgate.documents.texts import Texts, UnreadableError
from outgate.errors import Denial
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.inference.verdict import Action, Match, Verdict
from outgate.net.headers import Headers
from outgate.pipeline.contract import Contract, Judges, May
from outgate.pipeline.stage import Outcome, Stage
from outgate.stores.memo import Memo
from outgate.upstreams.catalog import Catalog
from outgate.upstreams.client import Client
from outgate.upstreams.credentials import Credentials

_AT_ONCE = 262_144
"""Bytes of a body that is read again on the loop; a longer one in a thread."""


class Reads(NamedTuple):
    """The request as it came, and who sent it where."""

    prompt: Prompt
    params: Params
    principal: Principal
    operation: Operation
    method: str
    path: str
    headers: Headers
    destination: str


class Hydrate(Stage):
    """Files to text: a new prompt, and the parameters of the body that holds it."""

    name = "hydrate"
    settings_type = HydrateSettings

    def __init__(
        self, settings: HydrateSettings, catalog: Catalog, client: Client, credentials: Credentials, documents: DocumentReader,
        memo: Memo, monotonic: Callable[[], float],
    ) -> None:  # fmt: skip
        self._settings = settings
        texts = Texts(documents, memo, settings.bounds, settings.unreadable)
        self._sources = Sources(settings, catalog, client, credentials)
        self._contents = Contents(self._sources, texts, memo, monotonic)
        self.contract = Contract.of(
            Reads,
            writes=("verdict.hydrate", "prompt", "params"),
            judges=Judges.RAW,
            may=May.DENY | May.MUTATE,
            limit=settings.limit,
            cost=0.01,
        )

    async def run(self, facts: Reads, /) -> Outcome:
        if facts.operation.kind is Kind.BATCHES and self._settings.batches:
            return await self._batch(facts)
        found = attachments(facts.prompt)
        if not found:
            return (Verdict(), facts.prompt, facts.params)
        if len(found) > self._settings.max_files:
            return _denied(facts, "too_many_files", f"The request holds {len(found)} files; {self._settings.max_files} may be.")
        edits: dict[Place, Any] = {}
        kinds: Counter[str] = Counter()
        for attachment in found:
            try:
                kind, part = await self._part(attachment, facts)
            except UnresolvedError as error:
                return _denied(facts, "file_unresolved", f"{_where(facts, attachment)} cannot be judged: {error}.")
            except UnreadableError as error:
                return _denied(facts, "document_unreadable", f"{_where(facts, attachment)} cannot be judged: {error}.")
            if part is not None:
                kinds[kind] += 1
                edits[attachment.place] = part
        return await self._written(facts, edits, kinds) if edits else (Verdict(), facts.prompt, facts.params)

    async def _batch(self, facts: Reads) -> Outcome:
        """A request about batches, together with the lines of the file that it names."""
        given = (facts.prompt, facts.params, facts.destination, facts.operation.dialect)
        try:
            prompt, params = await resolved(self._sources, *given)
        except UnresolvedError as error:
            return _denied(facts, "file_unresolved", f"The file of the batch cannot be judged: {error}.")
        matches = (Match("batch", "file"),) if prompt is not facts.prompt else ()
        return (Verdict(matches=matches), with_query(prompt, facts.path) if matches else prompt, params)

    async def _part(self, attachment: Attachment, facts: Reads) -> tuple[str, dict[str, Any] | None]:
        """The kind of a file, and the part that takes its place; None where it stays as it is."""
        if attachment.data or attachment.raw:
            data = attachment.content() if attachment.kind == "file" else None
            content = await self._contents.of(data, facts.principal.tenant) if data is not None else None
            return content._replace(image=b"").instead_of(attachment) if content is not None else ("", None)
        content = await self._contents.referred(attachment, facts.destination, facts.principal.tenant)
        return content.instead_of(attachment) if content is not None else ("", None)

    async def _written(self, facts: Reads, edits: Mapping[Place, Any], kinds: Counter[str]) -> Outcome:
        """The request with these parts, read again as if it had come so."""
        headers, body = _encoded(facts, {**facts.prompt.edits, **edits})
        line = RequestLine(facts.method, facts.path, facts.operation)
        decode = dialect(facts.operation.dialect).decode
        request: Request = await to_thread(decode, line, headers, body) if len(body) > _AT_ONCE else decode(line, headers, body)
        params = replace(facts.params, server_state=request.params.server_state, identity=request.params.identity)
        matches = tuple(Match(kind, "file", count) for kind, count in sorted(kinds.items()))
        return (Verdict(action=Action.REPLACED, matches=matches), with_query(request.prompt, facts.path), params)


def _encoded(facts: Reads, edits: Mapping[Place, Any]) -> tuple[Headers, bytes]:
    """The body with these parts, and the header fields by which it is read; a form names its boundary there."""
    document = facts.prompt.document
    if not isinstance(document, FormDocument):
        return facts.headers, document.encode(edits)
    described, body = document.form(edits)
    return Headers([("content-type", described)]), body


def _where(facts: Reads, attachment: Attachment) -> str:
    place = described(facts.prompt.document, *attachment.place)
    return f"The file at {place}" if place else "A file of the request"


def _denied(facts: Reads, code: str, message: str) -> Denial:
    return Denial(code=code, status=400, message=message, outputs=(Verdict(action=Action.DENIED), facts.prompt, facts.params))
