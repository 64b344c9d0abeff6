"""Which API a request speaks, from its method and target alone, and who can read it.

Only exact spellings are inference. A target that a server may normalise into another one is refused outright, so that no path is
judged as one thing here and served as another there; any other path that is not in the table is opaque.
"""

import re
from collections.abc import Callable
from functools import cache

from outgate.dialects.anthropic_messages import Anthropic
from outgate.dialects.dialect import Dialect
from outgate.dialects.json_body import LIMITS, Limits
from outgate.dialects.opaque import Opaque
from outgate.dialects.openai_chat import OpenAI
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation

EXACT = {
    ("POST", "/v1/chat/completions"): Operation("openai", Kind.CHAT),
    ("POST", "/v1/embeddings"): Operation("openai", Kind.EMBEDDINGS),
    ("POST", "/v1/messages"): Operation("anthropic", Kind.CHAT),
    ("POST", "/v1/messages?beta=true"): Operation("anthropic", Kind.CHAT),  # the SDK's beta client; the same body
}
"""What is inference, by method and target; nothing else is."""
_MODELS = re.compile(r"/v1/models(?:\?[\w=&.-]*)?", re.ASCII)
_ANTHROPIC = re.compile(r"/v1/messages(?:[/?].*)?")
_OPENAI = re.compile(r"/v1/(?:chat|completions|responses|embeddings|files|batches|audio|images|moderations|assistants|threads)\b.*")
_PLAIN = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-F]{2})*")
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,=:@/?;\[\]-]|%[0-9A-Fa-f]{2})*")
_AMBIGUOUS = re.compile(r"//|/\.{1,2}(?:/|$)|%(?:2[DEF5]|3[0-9]|[46][1-9A-F]|[57][0-9A]|5[CF]|7[EF]|[01][0-9A-F])")
"""Empty and dot segments; escapes of what needs none, of separators, of `%` itself and of control characters (RFC 3986, 6.2.2)."""

_MADE: dict[str, Callable[[Limits], Dialect]] = {"openai": OpenAI, "anthropic": Anthropic, "none": Opaque}


def operation_for(method: str, path: str, hint: str = "none") -> Operation:
    """The operation of a request; `path` is its target in origin form, query included, `hint` the dialect its destination speaks.

    The hint decides only where APIs share a path (`GET /v1/models`) and for unknown ones. Raises WireError("bad_path") for a
    target that could be normalised into another.
    """
    exact = EXACT.get((method, path))
    if exact is not None:
        return exact
    bare, mark, query = path.partition("?")
    if not _PLAIN.fullmatch(bare) or _AMBIGUOUS.search(bare) or (mark and not _QUERY.fullmatch(query)):
        raise WireError("bad_path", "the request target is not in its normal form")
    if method == "GET" and _MODELS.fullmatch(path):
        return Operation("openai" if hint == "none" else hint, Kind.MODELS)
    if _ANTHROPIC.fullmatch(path):
        return Operation("anthropic", Kind.OPAQUE)
    return Operation("openai" if _OPENAI.fullmatch(path) else hint, Kind.OPAQUE)


@cache
def dialect(name: str, limits: Limits = LIMITS) -> Dialect:
    """The dialect of this name: `openai`, `anthropic`, or `none`. Raises KeyError for another."""
    return _MADE[name](limits)
