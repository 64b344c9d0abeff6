"""Requests of one dialect in another, by the converters of both: translated from the tree that was judged, with its edits."""

import re
from typing import NamedTuple

from outgate.dialects.blobs import NO_BLOBS
from outgate.dialects.conversion import converted, converter_of
from outgate.dialects.json_body import JsonDocument, decode_value, dump
from outgate.dialects.registry import dialect, spec
from outgate.dialects.spec import Request, Target, WireRequest
from outgate.dialects.translation import LOSSES
from outgate.errors import Denial, WireError
from outgate.inference.conversation import Conversation, Loss
from outgate.inference.prompt import Prompt
from outgate.inference.shown import is_plain

_INDEX = re.compile(r"[\[\]]")
_JSON = (("content-type", "application/json"),)


class Translated(NamedTuple):
    """A request in another dialect, the conversation that it came from, and all that was lost."""

    sent: WireRequest
    asked: Conversation
    losses: tuple[Loss, ...]


def translated(request: Request, target: Target, api: str, most_output: int | None = None) -> Translated:
    """The request in the dialect `api`, with at most so many tokens of output where neither caller nor budget set a maximum and
    the dialect needs one. Raises WireError for what cannot be said there at all.
    """
    document, own = request.prompt.document, request.line.operation.dialect
    if not isinstance(document, JsonDocument):
        raise WireError("untranslatable", "a body that is not JSON cannot be translated")
    marked = JsonDocument(document.tree, document.boxes, document.rule, NO_BLOBS, document.counts)
    prompt = Prompt(marked, request.prompt.leaves, edits=request.prompt.edits)
    judged = dialect(own).encode(request._replace(prompt=prompt), target)
    needed = spec(api).most_output
    most = target.max_tokens or (needed and (most_output or needed))
    asked, unread = converted(lambda: converter_of(own).read_request(judged.path, decode_value(judged.body)))
    sent = converted(lambda: converter_of(api).write_request(asked, target.model, most))
    body = dump(sent.body)
    whole = document.blobs.written(body)[0] if document.blobs else body
    asked = asked._replace(model=target.model)
    return Translated(WireRequest(sent.path, (*_JSON, *spec(api).own_fields), whole), asked, (*unread, *sent.losses))


def refusal(loss: Loss, api: str, provider: str) -> Denial:
    """Why a request that would lose this is not sent. Names of members are the caller's own words: only plain ones are told."""
    where = f"`{loss.where}`" if is_plain(_INDEX.sub("", loss.where)) else "in a member of it"
    return Denial(
        code="translation_loss",
        status=400,
        message=f"The provider of this model is asked in {api}, which cannot carry {LOSSES.get(loss.what, loss.what)} ({where}). "
        f"Leave it out, or have the policy drop it: `{loss.what}` under `translation.drop` of the provider {provider}.",
    )
