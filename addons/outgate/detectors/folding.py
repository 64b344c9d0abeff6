"""Folding tables: look-alikes, styled letters, foreign digits and invisible characters to plain ones.

Sources: Unicode NFKD, general categories, and a small table of letters of other scripts that readers take for Latin ones
(the idea of Unicode TR39; the table is chosen for what reads alike in common fonts, not copied).
"""
# ruff: noqa: RUF001, RUF002
# This file is about characters that look alike.

from unicodedata import category, decimal, normalize

_CYRILLIC = dict(zip("аеорсухіјѕԁһӏԛԝвмнткгєѵґАВЕКМНОРСТХУІЈЅ", "aeopcyxijsdhlqwbmhtkreyrABEKMHOPCTXYIJS", strict=True))
_GREEK = dict(zip("αορνικτυχηωμβγερΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "aopvikruxnwubyepABEZHIKMNOPTYX", strict=True)) | {"τ": "t", "ϲ": "c", "ϳ": "j"}
_LATIN = dict(zip("ıȷɑɡɩʀøØłŁđðħŧſɪʟɴʜᴀᴄᴅᴇᴊᴋᴍᴏᴘᴛᴜᴠᴡᴢꜱǀƖ", "ijagiroolLddhtsilnhacdejkmoptuvwzsll", strict=True))
_ARMENIAN = {"օ": "o", "ս": "u", "հ": "h", "ց": "g", "ո": "n", "ք": "p", "զ": "q"}
_SIGNS = {
    "‐": "-",
    "‑": "-", "‒": "-", "–": "-", "—": "-", "―": "-", "−": "-", "⁃": "-", "∕": "/", "⁄": "/", "∶": ":", "ː": ":", "꞉": ":",
    "․": ".", "·": ".", "。": ".", "｡": ".", "٫": ".", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
LOOK_ALIKES = {**_CYRILLIC, **_GREEK, **_LATIN, **_ARMENIAN, **_SIGNS}

_INVISIBLE = frozenset({"Mn", "Me", "Cf", "Cc", "Co", "Cn"})
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_KEPT_CONTROLS = frozenset("\t\n\r\x0b\x0c\x85\u2028\u2029")
_REMEMBERED = 16_384


def fold_character(char: str) -> str:
    """The plain text that stands for one character: empty for an invisible one, a space for any space, ASCII where it reads so.

    Case is kept: `fold_character("Ａ") == "A"`.
    """
    if char < "\x7f" and char >= " ":
        return char
    if char in _KEPT_CONTROLS:
        return "\n" if char != "\t" else "\t"
    if char in _BLANK_LETTERS:
        return ""
    kind = category(char)
    if kind in _INVISIBLE:
        return ""
    if kind == "Zs":
        return " "
    return _plain(char, kind)


def _plain(char: str, kind: str) -> str:
    if kind == "Nd":
        return str(decimal(char))
    pieces = normalize("NFKD", LOOK_ALIKES.get(char, char))
    return "".join(LOOK_ALIKES.get(piece, piece) for piece in pieces if category(piece) not in _INVISIBLE)


class FoldTable(dict[int, str]):
    """A table for `str.translate` that learns characters as it meets them, up to a bound."""

    def __missing__(self, code: int) -> str:
        folded = circled(code) or fold_character(chr(code))
        if len(self) < _REMEMBERED:
            self[code] = folded
        return folded


def circled(code: int) -> str:
    """Letters in boxes, circles and flags, which NFKD leaves as they are; empty for any other character."""
    for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6):
        if first <= code < first + 26:
            return chr(ord("A") + code - first)
    return ""


FOLD = FoldTable()
