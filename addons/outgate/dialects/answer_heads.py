"""Head of an answer as its caller gets it: status and Content-Type of what is made of it, whatever its server said."""

from typing import NamedTuple

from outgate.dialects.bedrock import event_stream
from outgate.dialects.sse import CONTENT_TYPE, is_stream
from outgate.inference.operation import Kind

REDIRECTED = 502
_JSON = "application/json"
_FORMED = (Kind.CHAT, Kind.TEXT)
"""Work whose answers get the form that was asked for."""
_UNSAID = ("", "text/plain", "application/octet-stream", event_stream.CONTENT_TYPE)
"""Content-Types that say nothing of what an answer is, and that of a stream which is translated."""
_UNCHANGED = 304


class AnswerHead(NamedTuple):
    """`content_type` is empty where the server's stands. `described` says that its server called it a stream, `streams` that it
    is delivered as one.
    """

    status: int
    content_type: str
    described: bool
    streams: bool


def head_of(kind: Kind, status: int, content_type: str, *, stream: bool) -> AnswerHead:
    """The head of an answer with this status and Content-Type, where `stream` says what was asked for."""
    said = content_type.partition(";")[0].strip().lower()
    described = is_stream(said) or said == event_stream.CONTENT_TYPE
    if kind is Kind.OPAQUE:
        return AnswerHead(status, "", described, described)
    if is_redirect(status):
        return AnswerHead(REDIRECTED, _JSON, described, streams=False)
    if status >= 400:  # an error of a dialect is JSON whatever it came as
        return AnswerHead(status, _JSON, described, streams=is_stream(said))
    if kind in _FORMED:
        right = is_stream(said) if stream else said == _JSON
        return AnswerHead(status, "" if right else CONTENT_TYPE if stream else _JSON, described, stream)
    made = CONTENT_TYPE if stream and said in _UNSAID else ""
    return AnswerHead(status, made, described, streams=is_stream(made or said))


def is_redirect(status: int) -> bool:
    """Whether an answer sends its client elsewhere (RFC 9110 section 15.4): no redirect is followed."""
    return 300 <= status < 400 and status != _UNCHANGED
