"""Decode what `payloads` does not: tokens turned round or rotated, base85, packed base64, UTF-7, and lists of codes.

Each is tried where its form stands, and gives the readable text that it holds. Linear; a packed text unpacks to a few times its
length at most.
"""

import codecs
import re
import zlib
from base64 import a85decode, b32decode, b85decode, b85encode, urlsafe_b64decode
from collections.abc import Callable, Iterator, Mapping

from outgate.detectors.normalise import fold
from outgate.detectors.payloads import Payload
from outgate.detectors.regex_engines import Linear

_PREFIXES = (
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "sk-", "sk_live_", "rk_live_", "xoxb-", "xoxp-", "xapp-",
    "AKIA", "ASIA", "AIza", "GOCSPX-", "eyJ", "hf_", "npm_", "pypi-", "shpat_", "dop_v1_", "dapi", "lin_api_", "ntn_", "PMAK-",
    "NRAK-", "glsa_", "hvs.", "pul-", "rubygems_", "pplx-", "AGE-SECRET-KEY-", "tskey-", "gsk_", "xai-", "r8_",
    "SG.", "EAAA", "dp.pt.", "sntrys_", "sntryu_", "pscale_pw_", "dt0c01.",
)  # fmt: skip
"""What tokens of common services begin with: the others say nothing when they are turned round."""
_UNPACKED = 8
"""Times its length that a packed text is read."""
_STRETCH = 65_535
"""Characters of base85 decoded together; a multiple of five."""
_DIGITS_OF_B85 = {chr(b85encode(bytes((0, 0, 0, number)))[-1]): number for number in range(85)}
_DIGITS_OF_A85 = {chr(33 + number): number for number in range(85)}
_NUMBER = re.compile(r"0x[0-9a-f]+|[0-9]+", re.IGNORECASE)
_SOFT_END, _HEX = re.compile(r"=\n{1,2}"), re.compile(r"=([0-9A-F]{2})")
"""Of quoted-printable text."""
_OCTAL = re.compile(r"\\([0-7]{3})")


def _any(words: Iterator[str]) -> str:
    return "|".join(map(re.escape, words))


def _rotated(text: str) -> str:
    return codecs.encode(text, "rot13")


def _unpacked(token: str) -> str:
    raw = _base64(token)
    try:
        return _text(zlib.decompressobj(wbits=47).decompress(raw, _UNPACKED * len(token) + 256))
    except zlib.error:
        return ""


def _base64(token: str) -> bytes:
    stem = token.rstrip("=").replace("+", "-").replace("/", "_")
    stem = stem[: len(stem) - (len(stem) % 4 == 1)]
    return urlsafe_b64decode(stem + "=" * (-len(stem) % 4))


def _utf7(text: str) -> str:
    return _text(text.encode(), "utf-7")


def _codes(text: str) -> str:
    return _text(
        bytes(number for found in _NUMBER.findall(text) if (number := int(found, 0 if "x" in found.lower() else 10)) < 256)
    )


def _octal(text: str) -> str:
    return _OCTAL.sub(lambda code: chr(int(code[1], 8)), text)


def _bits(text: str) -> str:
    bits = re.sub(r"[^01]", "", text)
    return _text(int(bits, 2).to_bytes(len(bits) // 8)) if len(bits) < _STRETCH else ""


def _quoted(text: str) -> str:
    return _HEX.sub(lambda code: chr(int(code[1], 16)), _SOFT_END.sub("", text))


def _base32(token: str) -> str:
    stem = "" if token.isalpha() else token.rstrip("=").upper()
    try:
        return _text(b32decode(stem + "=" * (-len(stem) % 8)))
    except ValueError:
        return ""


def _base85(token: str) -> str:
    bare = token.strip("'\"")
    if _begins(bare, _DIGITS_OF_B85) and (plain := _decoded85(b85decode, bare)):
        return plain
    adobe = token.removeprefix("<~").removesuffix("~>")
    return _decoded85(a85decode, adobe) if _begins(adobe, _DIGITS_OF_A85) else ""


def _begins(token: str, digits: Mapping[str, int]) -> bool:
    """Whether the first five signs stand for four readable characters."""
    value = 0
    for sign in token[:5]:
        value = 85 * value + digits.get(sign, 1 << 32)
    return value < 1 << 32 and _text(value.to_bytes(4)) != ""


def _decoded85(decode: Callable[[str], bytes], token: str) -> str:
    try:
        return "".join(_text(decode(token[at : at + _STRETCH])) for at in range(0, len(token), _STRETCH))
    except ValueError:
        return ""


def _text(raw: bytes, charset: str = "ascii") -> str:
    """The bytes as text, empty unless every one of them is readable."""
    try:
        text = raw.decode(charset)
    except UnicodeDecodeError:
        return ""
    return text if text.replace("\n", " ").replace("\t", " ").replace("\r", " ").isprintable() else ""


_FORMS: tuple[tuple[Linear, Callable[[str], str]], ...] = (
    (Linear(rf"\b(?:{_any(map(_rotated, _PREFIXES))})[A-Za-z0-9_.-]{{8,}}", any_case=False), _rotated),
    (Linear(rf"[A-Za-z0-9_.-]{{8,}}(?:{_any(prefix[::-1] for prefix in _PREFIXES)})\b", any_case=False), lambda token: token[::-1]),
    (Linear(r"(?:H4sI|eJ[wxyz]|eN[o-r]|eA[EF])[A-Za-z0-9+/_-]{20,}={0,2}", any_case=False), _unpacked),
    (Linear(r"[\w.-]*(?:\+[A-Z0-9+/]{2,}-[\w.-]*)+"), _utf7),
    (Linear(r"(?:0x[0-9a-f]{2}[,; \n]{1,3}){11,}0x[0-9a-f]{2}|(?:[0-9]{2,3}[,; \n]{1,3}){15,}[0-9]{2,3}"), _codes),
    (Linear(r"[\w-]*(?:\\[0-7]{3}[\w-]*)+"), _octal),
    (Linear(r"(?:[01]{8} ?){12,}"), _bits),
    (Linear(r"\b[a-z2-7]{24,}={0,6}", any_case=False), _base32),
    (Linear(r"[\w.+/=-]*(?:=\n{1,2}[\w.+/=-]+)+"), _quoted),
    (Linear(r"[!-~]{25,}"), _base85),
)


def encoded(text: str) -> Iterator[Payload]:
    """The readable texts in a normalised one that are encoded so."""
    written = text.encode("ascii", "replace")
    for form, decode in _FORMS:
        for start, end in form.spans(written):
            plain = decode(text[start:end])
            if plain:
                yield Payload(start, end, fold(plain))
