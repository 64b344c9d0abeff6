"""Words that speak for a number beside them, or against it."""

import re
from collections.abc import Iterator

from outgate.detectors.regex_engines import Automaton

_NAME = re.compile(r"([A-Za-z]+(?:[_-][A-Za-z]+)*)[\"'`]?\s{0,3}(?:is|was|of|no|nr)?\.?\s{0,3}[:=#(\[]{0,2}\s{0,3}[\"'`]?\Z")
_LAST_PART = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)\Z")
_IDS = {
    "id", "ids", "uid", "gid", "pid", "tid", "oid", "uuid", "guid", "order", "orders", "ts", "time", "timestamp", "date", "epoch",
    "seq", "sequence", "offset", "size", "length", "bytes", "count", "trace", "span", "sku", "serial", "hash", "digest", "sha",
    "commit", "build", "job", "run", "request", "session", "message", "msg", "snowflake", "version", "revision", "rev", "nonce",
    "port", "inode", "addr", "index", "idx", "token", "ticket", "micros", "millis", "nanos", "usec", "nsec", "msec", "ns", "us",
    "ms", "ean", "isbn", "gtin", "imei", "upc", "arn",
}  # fmt: skip
_NEAR = 40
_STRETCH, _OVERLAP = 2_048, 128
"""Characters looked at together for words, and what a word and the number beside it may reach over."""


class Words:
    """A family of words in lower case that count beside a number.

    `stems` and `number` are expressions without look-arounds: what every word, and every number of this kind, holds.
    """

    def __init__(self, words: str, *, stems: str, number: str, behind: int, ahead: int) -> None:
        """How many characters behind the word a number may begin, and how many ahead of it it may end."""
        self._word, self._stems, self._number = re.compile(words), Automaton(stems), Automaton(number)
        self._behind, self._ahead = behind, ahead

    def find(self, lower: str) -> Iterator[re.Match[str]]:
        """The words of a text in lower-case ASCII, where a number may stand beside them. Most stretches hold none."""
        for first in range(0, len(lower), _STRETCH):
            stretch = lower[max(0, first - _OVERLAP) : first + _STRETCH + _OVERLAP]
            if self._number.search_ascii(stretch) and self._stems.search_ascii(stretch):
                for word in self._word.finditer(lower, first, first + _STRETCH + _OVERLAP):
                    if word.start() < first + _STRETCH:
                        yield word

    def near(self, lower: str) -> Iterator[tuple[int, int]]:
        """The stretches within reach of a word, none overlapping; none ends within a number."""
        begin = end = 0
        for word in self.find(lower):
            first = max(0, word.start() - self._ahead)
            if first > end:
                if end:
                    yield begin, end
                begin = first
            end = _after_digits(lower, min(len(lower), word.end() + self._behind))
        if end:
            yield begin, end


_DIGITS = re.compile(r"\d*")


def _after_digits(text: str, at: int) -> int:
    digits = _DIGITS.match(text, at)
    return digits.end() if digits else at


def named_id(text: str, start: int) -> bool:
    """Whether the name right ahead of this place says that an id, a time, a size or the like stands here."""
    name = _NAME.search(text[max(0, start - _NEAR) : start])
    last = _LAST_PART.search(name[1]) if name else None
    return last is not None and last[0].lower() in _IDS
