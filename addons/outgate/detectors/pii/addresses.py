"""Find e-mail addresses in normalised text: a local part, one @, a dotted domain that ends in letters.

Source: RFC 5321 §4.1.2 and §4.5.3.1 (64 octets of local part, 255 of domain), widened to international letters. Every @ is looked
at once and outward, so the cost is bounded whatever stands around it.
"""

import re
from collections.abc import Iterator

_LOCAL = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}\Z")
_QUOTED = re.compile(r'"[^"\n]{1,62}"\Z')
_DOMAIN = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?){1,8}")
_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]{3,45}\]")


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Spans of e-mail addresses, none overlapping."""
    done = 0
    position = text.find("@")
    while position >= 0:
        start = _local_start(text, max(done, position - 64), position)
        end = _domain_end(text, position + 1)
        if start < position and end:
            yield start, end
            done = end
        position = text.find("@", max(end, position + 1))


def _local_start(text: str, first: int, at: int) -> int:
    near = text[first:at]
    start = at
    for pattern in (_LOCAL, _QUOTED):
        if (found := pattern.search(near)) is not None:
            start = min(start, first + found.start())
    while start < at and text[start] in ".'`*{|/=":
        start += 1
    return start


def _domain_end(text: str, start: int) -> int:
    """The offset after the domain that begins here, 0 where none does."""
    found = _LITERAL.match(text, start)
    if found is not None:
        return found.end()
    found = _DOMAIN.match(text, start)
    if found is None:
        return 0
    labels = found[0].split(".")
    while len(labels) > 1 and not _is_top(labels[-1]):
        labels.pop()
    return start + len(".".join(labels)) if len(labels) > 1 else 0


def _is_top(label: str) -> bool:
    return len(label) > 1 and (label.isalpha() or label.lower().startswith("xn--"))
