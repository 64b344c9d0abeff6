"""In how many ways a text may have been meant: the readings of it that rules are matched against."""

import re
from collections.abc import Iterator

from outgate.detectors.automaton import Automaton
from outgate.detectors.normalise import hidden_tags
from outgate.detectors.payloads import MAY_BE_SPACED_HEX, MAY_BE_TOKEN, payloads
from outgate.detectors.pii.structured import MAY_BE_IBAN, ibans

_LEET = str.maketrans("013457@$!|", "oieastasil")
_SIGNS = "013457@$!|"
_LEET_SIGNS = frozenset(_SIGNS)
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")
_SPACED = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256))
_UNLEET = bytes(_LEET.get(code, _SPACED[code]) for code in range(256))
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]{0,24}_[0-9]{1,9}>")
_NO_DIGITS = bytes(32 if 48 <= code < 58 else code for code in range(256))
_HOLDS_MIXED = Automaton("[a-z][0-9]|[0-9][a-z]")
_COLONS = ":[^ \t\n]*:"
_HOLDS_COLONS = Automaton(_COLONS)
_HOLDS_MORE = Automaton(f"{_COLONS}|@|<[A-Z]|{MAY_BE_IBAN}|{MAY_BE_TOKEN}|{MAY_BE_SPACED_HEX}")
"""One pass for all that makes a second reading."""

type Words = list[str]


def words(text: str) -> Words:
    """The words of a normalised text in lower case. What holds a digit is no word: it says nothing, and a number between two words
    must not part them.
    """
    return spoken(text).split()


def spaced(text: str, letters: bytes = _SPACED) -> str:
    """A normalised text in lower case, with spaces for whatever is neither letter nor digit."""
    if text.isascii():
        return text.encode().translate(letters).decode()
    lower = _FOREIGN.sub(_letters, text).lower()
    if lower.isascii():
        return lower.encode().translate(letters).decode()
    return "".join(chr(letters[ord(char)]) if char.isascii() else char if char.isalnum() else " " for char in lower)


def spoken(text: str, letters: bytes = _SPACED) -> str:
    """The words of a normalised text between spaces."""
    reading = spaced(text, letters)
    if _HOLDS_MIXED.search(reading) or not reading.isascii():
        return " ".join([word for word in reading.split() if word.isalpha()])
    return reading.encode().translate(_NO_DIGITS).decode()


def readings(text: str, plain: str) -> Iterator[str]:
    """`plain` (the text normalised) as it reads, then without addresses and placeholders in it, then what the text hides: each
    spaced.
    """
    yield spoken(plain)
    if tags := hidden_tags(text):
        yield spoken(tags)
    if not _HOLDS_MORE.search(plain):
        return
    bare = _impersonal(plain)
    if bare is not plain:
        yield spoken(bare)
    if hidden := payloads(plain):
        yield spoken(" ".join(payload.text for payload in hidden))


def signed(plain: str) -> bool:
    """Whether a text holds digits or signs that may stand for letters."""
    return any(sign in plain for sign in _SIGNS)


def leet(plain: str) -> str:
    """The words of a text that spell letters with digits and signs, read as letters; empty when there are none."""
    spelled = {word for word in set(plain.lower().split()) if not _LEET_SIGNS.isdisjoint(word) and not word.isdigit()}
    return " ".join(word.translate(_LEET) for word in spelled)


def unleet(plain: str) -> str:
    """The whole text, spaced, digits and signs read as letters."""
    return spoken(plain, _UNLEET)


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
    if "@" in bare or _HOLDS_COLONS.search(bare):
        bare = "\n".join([_unaddressed(line) if "@" in line or line.count(":") > 1 else line for line in bare.split("\n")])
    return text if bare == text else bare


def _unaddressed(line: str) -> str:
    return " ".join([word for word in line.split() if "@" not in word and word.count(":") < 2])
