"""In how many ways a text may have been meant: the readings of it that rules are matched against."""

import re
from collections.abc import Iterator

from outgate.detectors.normalise import hidden_tags
from outgate.detectors.payloads import payloads
from outgate.detectors.pii.structured import ibans

_LEET = str.maketrans("013457@$!|", "oieastasil")
_LEET_SIGNS = frozenset("013457@$!|")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_SPACED = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
_UNLEET = bytes(_LEET.get(code, _SPACED[code]) for code in range(256))
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]{0,24}_[0-9]{1,9}>")

type Words = list[str]


def words(text: str, letters: bytes = _SPACED) -> Words:
    """The words of a normalised text in lower case. What holds a digit is no word: it says nothing, and a number between two words
    must not part them.
    """
    if not text.isascii():
        text = _FOREIGN.sub(_letters, text)
    lower = text.lower()
    if lower.isascii():
        lower = lower.encode().translate(letters).decode()
    else:
        lower = "".join(chr(letters[ord(char)]) if char.isascii() else char if char.isalnum() else " " for char in lower)
    return [word for word in lower.split() if word.isalpha()]


def readings(text: str, plain: str) -> Iterator[Words]:
    """`plain` (the text normalised) as it reads, then without addresses and placeholders in it, then what the text hides."""
    yield words(plain)
    bare = _impersonal(plain)
    if bare is not plain:
        yield words(bare)
    if tags := hidden_tags(text):
        yield words(tags)
    if hidden := payloads(plain):
        yield words(" ".join(payload.text for payload in hidden))


def leet(plain: str) -> str:
    """The words of a text that spell letters with digits and signs, read as letters; empty when there are none."""
    if _LEET_SIGNS.isdisjoint(plain):
        return ""
    spelled = {word for word in set(plain.lower().split()) if not _LEET_SIGNS.isdisjoint(word) and not word.isdigit()}
    return " ".join(word.translate(_LEET) for word in spelled)


def unleet(plain: str) -> Words:
    """The whole text, digits and signs read as letters."""
    return words(plain, _UNLEET)


def rot13(text: str) -> str:
    """The text with each letter moved by thirteen; its own inverse."""
    return text.translate(_ROT13)


def _letters(match: re.Match[str]) -> str:
    run = match[0]
    return run if run.isalnum() else "".join(char if char.isalnum() else " " for char in run)


def _impersonal(text: str) -> str:
    """The text without what redaction takes out of it or puts into it; the text itself where there is nothing of the kind."""
    bare = text
    for start, end in reversed(list(ibans(bare))):
        bare = bare[:start] + " " + bare[end:]
    if "<" in bare:
        bare = _PLACEHOLDER.sub(" ", bare)
    if "@" in bare or ":" in bare:
        kept = [word for word in bare.split() if "@" not in word and word.count(":") < 2]
        bare = " ".join(kept) if len(kept) < bare.count(" ") + 1 else bare
    return bare
