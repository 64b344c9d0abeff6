"""Spellings of a placeholder in an answer: other cases and separators, and the escapes that models and renderers write.

A placeholder begins at the border of a word, where an escape ends, or right behind another placeholder.
"""

import html
import re
from functools import cache
from urllib.parse import quote

from outgate.detectors.escapes import ESCAPES
from outgate.detectors.pii.placeholders import ALPHABET, LABELS, LETTERS

_FIRST = "".join({label[0] + label[0].lower() for label in LABELS.values()})
_BORDER = (
    rf"(?=[{_FIRST}])(?:"
    r"(?<![A-Za-z])|(?<=[a-z])(?=[A-Z])|(?<=%[0-9A-Fa-f]{2})|(?<=%25[0-9A-Fa-f]{2})|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})"
    rf"|(?<=[{ALPHABET}]{{{LETTERS}}}))"
)
_SEPARATOR = r"(?:\\{0,2}_|%(?:25)?5f|&(?:#95|#x5f|lowbar|UnderBar);|\\{1,2}u005f|[- ]?)"
_BEGUN_SEPARATOR = r"(?:\\{1,2}(?:u0{0,2}5?)?|%(?:2?5?|255)|&[#a-z0-9]{0,8})"
FOUND = re.compile(
    rf"{_BORDER}(?i:(?P<label>{'|'.join(LABELS.values())})(?P<separator>{_SEPARATOR})(?P<letters>[{ALPHABET}]{{8,}}))"
)
"""What is a placeholder, or was one before somebody changed it."""
RUN = re.compile(rf"[{ALPHABET}{ALPHABET.upper()}]{{8}}")
"""What every one of these has, and hardly anything else: found ten times as fast."""
LONGEST = max(map(len, LABELS.values())) + 10
"""Characters of a label and a separator."""
_MARKDOWN = re.compile(r"[\\`*_\[\]<>]")
_PERCENT, _ENTITY, _UNICODE = (
    re.compile(r"%(25)?[0-9A-Fa-f]{2}\Z"),
    re.compile(r"&(?:#?\w{1,8});\Z"),
    re.compile(r"\\u[0-9A-Fa-f]{4}\Z"),
)
_NOT_IN_URLS = "!$()*+,;=:@/?[]|^`{}~"
"""For `quote`: what may stay as it is in a URL. What is left would end it, or open another part of it."""


@cache
def begun(labels: frozenset[str], letters: int) -> re.Pattern[str]:
    """Finds the end of a text that may become a placeholder of these labels and up to so many letters."""
    ends = rf"(?:{_BEGUN_SEPARATOR}|{_SEPARATOR}[{ALPHABET}]{{0,{letters - 1}}})"
    return re.compile(rf"{_BORDER}(?i:{'|'.join(_begun(label, ends) for label in sorted(labels))})\Z")


def _begun(label: str, ends: str) -> str:
    nested = label[-1] + ends
    for letter in reversed(label[:-1]):
        nested = f"{letter}(?:{nested})?"
    return nested


def spelt(value: str, separator: str, before: str, *, in_url: bool) -> str:
    """The value with the escapes that its placeholder was written with, or that stand right in front of it."""
    separator = separator.lower()
    if percent := _PERCENT.search(separator) or _PERCENT.search(before):
        value = quote(value, safe="")
        return quote(value) if percent[1] else value
    if separator.startswith("&") or _ENTITY.search(before):
        return html.escape(value)
    if separator.endswith("5f") or _UNICODE.search(before):
        return value.translate(ESCAPES)
    if separator.endswith("\\_"):
        return _MARKDOWN.sub(r"\\\g<0>", value)
    return quote(value, safe=_NOT_IN_URLS) if in_url else value
