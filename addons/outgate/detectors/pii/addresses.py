"""Find e-mail addresses: a local part, one @, a dotted domain that ends in letters; not what only looks like one.

Source: RFC 5321 §4.1.2 and §4.5.3.1 (64 octets of local part, 255 of domain), widened to international letters; of the signs that a
local part may hold those that people use. `user@host:path` of ssh, the account in a URL and unit files are no mailboxes. Every @ is
looked at once and outward, so the cost is bounded whatever stands around it.
"""

import re
from collections.abc import Callable, Iterator

from outgate.detectors.pii.reading import Found, Reading

_LOCAL = re.compile(r"[\w.+%'&!=#~-]{1,64}\Z")
_QUOTED = re.compile(r'"[^"\n]{1,62}"\Z')
_DOMAIN = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?){1,8}")
_LITERAL = re.compile(r"\[(?:IPv6:)?[0-9A-Fa-f:.]{3,45}\]")
_PATH = re.compile(r":(?!//)(?:[~\w.-]*/|[\w-]+\.git\b)")
_ACCOUNT = re.compile(r"(?:[a-z][a-z+.-]*(?<!mailto):)?//[^\s/@\"'<>]*\Z", re.IGNORECASE)
_HOSTED = frozenset({"git", "hg", "svn"})
_MESSAGE = re.compile(r"\b(?:uid|message-id|content-id|in-reply-to|references)[\"']?:\s?[\"'<]{0,2}\Z", re.IGNORECASE)
_UNITS = frozenset(["service", "socket", "target", "timer", "mount", "automount", "slice", "scope", "path", "device", "swap"])
_SIGNS_AHEAD = ".'`&=#%~!+-"


def emails(reading: Reading, is_top: Callable[[str], bool] = bool) -> Iterator[Found]:
    """E-mail addresses in a text. `is_top` knows the domains at the top."""
    text = reading.text
    done = 0
    position = text.find("@")
    while position >= 0:
        end = _domain_end(text, position + 1, is_top)
        start = _local_start(text, max(done, position - 64), position) if end else position
        if start < position and not _is_account(text, start, position, end):
            yield Found(start, end)
            done = end
        position = text.find("@", max(end, position + 1))


def _local_start(text: str, first: int, at: int) -> int:
    near = text[first:at]
    start = at
    for pattern in (_LOCAL, _QUOTED):
        if (found := pattern.search(near)) is not None:
            start = min(start, first + found.start())
    while start < at and text[start] in _SIGNS_AHEAD:
        start += 1
    return _after_name(text, start, at)


def _after_name(text: str, start: int, at: int) -> int:
    """Behind `email=` and `&to=`: a name and its value in a query or an assignment. (In VERP addresses a `=` comes later.)"""
    name, sign, local = text[start:at].rpartition("=")
    return at - len(local) if sign and local and "@" not in name and not ("-" in name or "+" in name) else start


def _domain_end(text: str, start: int, is_top: Callable[[str], bool]) -> int:
    """The offset after the domain that begins here, 0 where none does."""
    found = _LITERAL.match(text, start)
    if found is not None:
        return found.end()
    found = _DOMAIN.match(text, start)
    if found is None:
        return 0
    labels = found[0].split(".")
    while len(labels) > 1 and not (_may_be_top(labels[-1]) and is_top(labels[-1].lower())):
        labels.pop()
    return start + len(".".join(labels)) if len(labels) > 1 else 0


def _may_be_top(label: str) -> bool:
    return len(label) > 1 and (label.isalpha() or label.lower().startswith("xn--"))


def _is_account(text: str, start: int, at: int, end: int) -> bool:
    """A user at a host, or the name of a message: `git@github.com:org/repo`, `https://user:secret@host/`, `UID:1@b.co`."""
    if text[end : end + 1] == "(" or text[at + 1 : end].rpartition(".")[2].lower() in _UNITS:
        return True
    if (text[start:at].lower() in _HOSTED and text[end : end + 1] in (":", "/")) or _PATH.match(text, end):
        return True
    ahead = text[max(0, start - 80) : start]
    named = ":" in ahead[-20:] and _MESSAGE.search(ahead) is not None
    return named or ("//" in ahead and _ACCOUNT.search(ahead) is not None)
