"""Estimate the heap size of a decoded request that waits for its response: its tree, and the body as it is sent.

Of plain text that is twice the body. But one emoji makes every character of its string four bytes long, strings that are not ASCII
are kept in UTF-8 too once they are sent, and `[[],[],[],` is a list and a place in the document for every three bytes: sixty times
the body. The objects are those of CPython; what many share (names of members, small numbers) is counted each time.
"""

from sys import getsizeof

from outgate.dialects.json_body import NESTED, JsonDocument
from outgate.dialects.spec import Request

_LEAF = 144
_BOX = 128
"""The tuple that addresses a string or a container, with its numbers and what collects garbage."""
_ITEM = 40
"""A number, or the name of a member."""
_SHORT = 4096
_MOST, _MOST_LEAF, _MOST_BOX = 16, 200, 400
"""No string or number takes more for each of its bytes, and no string and no container more beside."""


def memory_of(size: int, request: Request) -> int:
    """Bytes for the request that was read from so many; twice that at least. A short one is not looked at, but taken for the most
    that it can be: its connection takes more.
    """
    document = request.prompt.document
    if size <= _SHORT and isinstance(document, JsonDocument):
        return _MOST * size + _MOST_LEAF * len(request.prompt.leaves) + _MOST_BOX * len(document.boxes)
    texts = _strings(document) if request.prompt.unjudged else [leaf.text for leaf in request.prompt.leaves]
    sent = size if all(map(str.isascii, texts)) else 2 * size
    told = len(request.params.identity) + len(request.tools.identity)
    read = max(size, sum(map(getsizeof, texts))) + _LEAF * len(texts)
    return sent + told + read + _containers(size, document)


def _strings(document: object) -> list[str]:
    """All that stand in a document: an image is no text of the prompt, and may be four bytes wide all the same."""
    boxes = [box[0] for box in document.boxes] if isinstance(document, JsonDocument) else []
    return [value for box in boxes for value in (box.values() if box.__class__ is dict else box) if value.__class__ is str]


def _containers(size: int, document: object) -> int:
    if not isinstance(document, JsonDocument):
        return 0
    containers = [box[0] for box in document.boxes]
    nested = size if any(box[3] == NESTED for box in document.boxes) else 0
    return nested + sum(map(getsizeof, containers)) + _BOX * len(containers) + _ITEM * sum(map(len, containers))
