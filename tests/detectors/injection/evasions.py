"""Thirty-two ways to write an attack so that it does not look like one. Seeded: the same every time."""

# ruff: noqa: RUF001
import base64
import codecs
import html
import json
import random
from collections.abc import Callable
from urllib.parse import quote

_CYRILLIC = str.maketrans("aeopcxyi", "аеорсхуі")
_GREEK = str.maketrans("oavi", "οανι")
_LEET = str.maketrans("oieast", "013457")


def _sprinkle(text: str, sign: str, chance: random.Random) -> str:
    return "".join(char + (sign if chance.random() < 0.5 else "") for char in text)


def _words(text: str, change: Callable[[str], str]) -> str:
    return " ".join(map(change, text.split()))


def _cut_word(word: str) -> str:
    return word if len(word) < 6 else word[:3] + " " + word[3:]


EVASIONS: dict[str, Callable[[str, random.Random], str]] = {
    "upper": lambda text, _: text.upper(),
    "alternating": lambda text, _: "".join(char.upper() if i % 2 else char for i, char in enumerate(text)),
    "full width": lambda text, _: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text),
    "mathematical": lambda text, _: "".join(chr(0x1D400 + ord(char) - 97) if "a" <= char <= "z" else char for char in text.lower()),
    "cyrillic": lambda text, _: text.lower().translate(_CYRILLIC),
    "greek": lambda text, _: text.lower().translate(_GREEK),
    "zero width": lambda text, chance: _sprinkle(text, "\u200b", chance),
    "soft hyphen": lambda text, chance: _sprinkle(text, "\u00ad", chance),
    "tags": lambda text, _: "hi" + "".join(chr(0xE0000 + ord(char)) if char < "\x7f" else char for char in text),
    "variation": lambda text, chance: _sprinkle(text, "\ufe0f", chance),
    "bidi": lambda text, _: _words(text, lambda word: f"\u202d{word}\u202c"),
    "combining": lambda text, chance: _sprinkle(text, "\u0335", chance),
    "leet": lambda text, _: text.lower().translate(_LEET),
    "spaced": lambda text, _: " ".join(text),
    "dotted": lambda text, _: ".".join(text.replace(" ", "")),
    "underscored": lambda text, _: text.replace(" ", "_"),
    "cut words": lambda text, _: _words(text, _cut_word),
    "hyphenated": lambda text, _: _words(text, lambda word: _cut_word(word).replace(" ", "-")),
    "base64": lambda text, _: "decode " + base64.b64encode(text.encode()).decode(),
    "base32": lambda text, _: "decode " + base64.b32encode(text.encode()).decode(),
    "hex": lambda text, _: "decode " + text.encode().hex(),
    "rot13": lambda text, _: codecs.encode(text, "rot13"),
    "reversed": lambda text, _: text[::-1],
    "url": lambda text, _: quote(quote(text, safe=""), safe=""),
    "html": lambda text, _: "".join(f"&#{ord(char)};" if char.isalpha() else html.escape(char) for char in text),
    "new lines": lambda text, _: "\n".join(text),
    "hyphen and line": lambda text, _: _words(text, lambda word: _cut_word(word).replace(" ", "-\n")),
    "two spaces": lambda text, _: "   ".join(" ".join(word) for word in text.split()),
    "JSON": lambda text, _: json.dumps(json.dumps({"text": f"Note\n{text}"})),
    "written line ends": lambda text, _: "\\n".join(text.split()),
    "unicode escapes": lambda text, _: "".join(f"\\u{ord(char):04x}" for char in text),
    "markdown": lambda text, _: _words(text, lambda word: f"{word[:2]}**{word[2:]}**"),
}
