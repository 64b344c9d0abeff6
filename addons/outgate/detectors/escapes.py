"""JSON string escapes in text that comes in pieces, such as the streamed arguments of a tool call (RFC 8259, section 7)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

ESCAPES = {code: f"\\u{code:04x}" for code in range(32)} | {34: '\\"', 92: "\\\\", 10: "\\n", 13: "\\r", 9: "\\t"}
"""For `str.translate`: what a text needs to stand inside a JSON string."""
LONGEST = 12
"""Characters of the longest escape: a pair of surrogates."""
_ESCAPE = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_BEGUN = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u[0-9a-fA-F]{0,3})?)?|u[0-9a-fA-F]{0,3})?\Z")
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Read(NamedTuple):
    """A piece without its escapes: `places` is where each character begins in the piece, and, last, where the text ends in it."""

    text: str
    places: Sequence[int]


def read(piece: str, *, final: bool) -> Read:
    """The piece as it reads; an escape that is only begun is left out, unless no more comes."""
    if "\\" not in piece:
        return Read(piece, range(len(piece) + 1))
    end = len(piece) if final else _complete(piece)
    characters: list[str] = []
    places: list[int] = []
    done = 0
    for escape in _ESCAPE.finditer(piece, 0, end):
        characters += piece[done : escape.start()]
        places += range(done, escape.start() + 1)
        characters.append(_character(escape))
        done = escape.end()
    characters += piece[done:end]
    return Read("".join(characters), [*places, *range(done, end + 1)])


def _complete(piece: str) -> int:
    """Where the piece is cut off inside an escape. A backslash that another one escapes begins none."""
    for begun in _BEGUN.finditer(piece, max(0, len(piece) - LONGEST)):
        ahead = piece[: begun.start()]
        if (len(ahead) - len(ahead.rstrip("\\"))) % 2 == 0:
            return begun.start()
    return len(piece)


def _character(escape: re.Match[str]) -> str:
    high, low, code, short = escape.groups()
    if high is not None:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return chr(int(code, 16)) if code is not None else _SHORT.get(short, short)
