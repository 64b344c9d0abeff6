"""Words that speak for a number beside them, or against it."""

import re
from collections.abc import Iterable, Iterator

from outgate.detectors.regex_engines import Linear

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
_APART, _WORD = 256, 64
"""Characters farther than any word stands from the number it speaks for, and more than a word has beside its stem."""


class Words:
    """A family of words in lower case that count beside a number.

    `stems` and `number` are expressions without look-arounds: what every word, and every number of this kind, holds.
    """

    def __init__(self, words: str, *, stems: str, number: str, behind: int, ahead: int) -> None:
        """How many characters behind the word a number may begin, and how many ahead of it it may end."""
        self._word, self._stems, self._number = re.compile(words), Linear(stems), Linear(f"(?:{number})[^a-z]*")
        self._behind, self._ahead = behind, ahead

    def find(self, lower: str) -> Iterator[re.Match[str]]:
        """The words of a text in lower-case ASCII, where a number may stand beside them."""
        text = lower.encode()
        for begin, end in _around(self._number.spans(text), _APART, 0, len(text)):
            for first, last in _around(self._stems.spans(text, begin, end), _WORD, begin, end):
                yield from self._word.finditer(lower, first, last)

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


def _around(spans: Iterable[tuple[int, int]], reach: int, least: int, most: int) -> Iterator[tuple[int, int]]:
    """The surroundings of these places, between two bounds, none overlapping."""
    begin, end = least, -1
    for start, stop in spans:
        if start - reach > end:
            if end >= 0:
                yield begin, end
            begin = max(least, start - reach)
        end = min(most, stop + reach)
    if end >= 0:
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
