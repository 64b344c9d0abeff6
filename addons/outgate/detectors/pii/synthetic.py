"""Synthetic values: of the kind and form of a value, nobody's, the same for the same value, and nowhere else in the request.

They follow from the value with a key of the workload, as placeholders do. Names are replaced word by word, so that a first name
alone stands for the same person; titles, particles and forms of streets stay.
"""

import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from outgate.detectors.names.kinds import LOCATION, NAMES, PERSON
from outgate.detectors.pii.fictional import FICTIONS
from outgate.detectors.pii.invented import FAMILIES, invented, stays
from outgate.detectors.pii.substitutes import Substitutes, only_digits

SYNTHETIC = frozenset({*NAMES, *FICTIONS, "EMAIL_ADDRESS"})
"""Kinds that there are substitutes for."""
MAIL_HOST = "example.com"
_TRIES = 64
_APART = re.compile(r"(\s*[,;\n]\s*)")
_TOKEN = re.compile(r"[^\W_]+")
_COMPOUND = re.compile(r"(?i)(?<=\w{3})(straße|strasse|str|weg|gasse|allee|platz|straat|laan|gracht|gatan|vägen|gata|veien|katu)\Z")
_FEWEST_DIGITS = 7
"""Digits from which on a number is looked for in any grouping."""
_WORD, _SHORT = 3, 5
"""Letters of a word that is replaced by a name, and signs of a part that is not looked for alone."""
_FOURS = re.compile(".{1,4}")


class Taken(NamedTuple):
    """What a request says already: no substitute may be a part of it."""

    text: str
    digits: str

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Taken":
        joined = "\n".join(texts).lower()
        return cls(joined, only_digits(joined))

    def has(self, written: str) -> bool:
        digits = only_digits(written)
        return written.lower() in self.text or (len(digits) >= _FEWEST_DIGITS and digits in self.digits)


class Synthesis:
    """Substitutes for the values of one request. Of two values with one substitute the later gets another."""

    def __init__(self, key: bytes, taken: Taken) -> None:
        self._key, self._taken = key, taken
        self._words: dict[str, str] = {}
        self._used: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def instead(self, entity: str, value: str) -> str | None:
        """The substitute of a value; None where none was found that is free, or the value has no form that is known."""
        if entity in NAMES:
            return self._name(entity, value)
        return self._address(value) if entity == "EMAIL_ADDRESS" else self._fiction(entity, value)

    def result(self) -> Substitutes:
        return Substitutes(self._phrases, self._numbers)

    def _fiction(self, entity: str, value: str) -> str | None:
        for attempt in range(_TRIES):
            written = FICTIONS[entity](value, lambda count, salt=attempt: self._digits(f"{entity}\0{salt}", value, count))  # type: ignore[misc]
            if written is None or not any(map(str.isalnum, written)):
                return None
            if self._is_free(written, value):
                self._keep(entity, written, value)
                return written
        return None

    def _keep(self, entity: str, written: str, value: str) -> None:
        if entity == "IBAN_CODE":
            bare = "".join(filter(str.isalnum, written))
            self._phrases |= dict.fromkeys((written, bare, " ".join(_FOURS.findall(bare))), value)
        elif entity == "IP_ADDRESS":
            self._phrases[written] = value
        else:
            self._numbers[written] = value

    def _address(self, value: str) -> str | None:
        for attempt in range(_TRIES):
            given, family = (self._invented(kind, value, attempt).lower() for kind in ("given", "family"))
            written = f"{given}.{family}{self._digits(f'mail{attempt}', value, 2)}@{MAIL_HOST}"
            if self._is_free(written, value):
                self._phrases |= {written: value, written.replace("@", "%40"): value}
                return written
        return None

    def _name(self, entity: str, value: str) -> str | None:
        """Line by line, and part by part of an address: each comes back by itself, and so does each word."""
        pieces = _APART.split(value)
        if any(len(piece) < _SHORT for piece in pieces[::2]):
            pieces = [value]
        written = [piece if at % 2 else self._part(entity, piece) for at, piece in enumerate(pieces)]
        return None if None in written else "".join(piece or "" for piece in written)

    def _part(self, entity: str, part: str) -> str | None:
        for attempt in range(_TRIES):
            words = [(word[0], self._token(entity, part, word, attempt)) for word in _TOKEN.finditer(part)]
            if any(new is None for _, new in words):
                return None
            new = iter(words)
            written = " ".join(_TOKEN.sub(lambda _: next(new)[1] or "", part).split())  # noqa: B023
            if self._is_free(written, part):
                self._phrases.setdefault(written, part)
                return written
        return None

    def _token(self, entity: str, part: str, word: re.Match[str], attempt: int) -> str | None:
        """A word of a name, or what belongs to one: a number, an initial, a form."""
        text = word[0]
        short = text.isascii() and len(text) < _WORD
        if stays(text, person=entity == PERSON) or (short and text.islower() and entity != PERSON):
            return text
        if not text.isalpha() or (short and (entity != PERSON or len(text) == 1)):
            return self._signs(f"{part}\0{word.start()}", text, attempt)
        compound = _COMPOUND.search(text) if entity == LOCATION else None
        stem, end = (text[: compound.start()], compound[0].lower().replace("ß", "ss")) if compound else (text, "")
        last = not any(other[0].isalpha() for other in _TOKEN.finditer(part, word.end()))
        alone = word.start() == 0
        family = ("family" if last and not alone else "given") if entity == PERSON else "place" if entity == LOCATION else "family"
        new = self._word(family, stem)
        return new and _like(stem, new) + end

    def _word(self, family: str, word: str) -> str | None:
        same = word.casefold()
        for attempt in range(_TRIES):
            if same in self._words:
                return self._words[same]
            new = self._invented(family, same, attempt)
            if self._is_free(new, word):
                self._words[same] = new
                self._phrases.setdefault(_like(word, new), word)
        return None

    def _signs(self, part: str, text: str, attempt: int) -> str:
        """Other digits and letters of the same kind."""
        number = int.from_bytes(self._digest(f"signs{attempt}", f"{part}\0{text}"))
        signs = []
        for at, char in enumerate(text):
            number, rest = divmod(number, 260)
            first = at == 0 and char != "0"
            signs.append(
                str(rest % 9 + 1 if first else rest % 10)
                if char.isdigit()
                else _like(char, "abcdefghjklmnprstuvwxyzkmt"[rest % 26])
            )
        return "".join(signs)

    def _invented(self, family: str, word: str, attempt: int) -> str:
        most = 1
        for parts in FAMILIES[family]:
            most *= len(parts)
        return invented(family, int.from_bytes(self._digest(f"{family}{attempt}", word)) % most)

    def _digits(self, kind: str, value: str, count: int) -> str:
        return f"{int.from_bytes(self._digest(kind, value)):080}"[-count:] if count else ""

    def _is_free(self, written: str, value: str) -> bool:
        """Whether this says nothing that the request says, and stands for no other value; then it stands for this one."""
        key = only_digits(written) if len(only_digits(written)) >= _FEWEST_DIGITS else written.lower()
        same = " ".join(value.split()).casefold()
        if self._used.get(key) == same:
            return True
        if key in self._used or self._taken.has(written):
            return False
        self._used[key] = same
        return True

    def _digest(self, kind: str, value: str) -> bytes:
        return hmac.digest(self._key, f"synthetic\0{kind}\0{value}".encode("utf-8", "surrogatepass"), "sha256")


def _like(old: str, new: str) -> str:
    """In the case of the old word."""
    if old.islower():
        return new.lower()
    return new.upper() if old.isupper() and len(old) > 1 else new[:1].upper() + new[1:]
