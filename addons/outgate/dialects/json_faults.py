"""Explain why a body is no strict JSON: what is wrong and where, as a JSON pointer and a byte, without a word of its text.

Read only when a body has been refused; the parsers that judge are elsewhere.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, NoReturn

import orjson

from outgate.errors import WireError
from outgate.inference.shown import is_plain

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_strings = json.JSONDecoder(strict=False)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_HALF = re.compile(r"[\ud800-\udfff]")
_CONSTANTS = frozenset({"NaN", "Infinity", "-Infinity"})
_DEPTH = 200


_LONGEST = 262_144
"""Bytes of a body that is read again to say what is wrong; of a longer one, the parser's own words say it."""
_PLACE = re.compile(r"(.*): line \d+ column \d+ \(char (\d+)\)")


class _Token(NamedTuple):
    """A string or another scalar: the pointer to where it stands, its offset, whether it names a member, and of which container."""

    pointer: str
    offset: int
    text: str
    names: bool
    box: int


def explained(error: WireError, raw: bytes) -> WireError:
    """The same refusal of a body with what is wrong and where."""
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if error.code == "bad_json":
        return WireError(error.code, explain(raw) if len(raw) <= _LONGEST else _parsers_word(raw))
    if error.code == "duplicate_key" and len(raw) <= _LONGEST:
        return WireError(error.code, _named_twice(raw.decode("utf-8", "replace")) or str(error))
    return error


def _parsers_word(raw: bytes) -> str:
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        found = _PLACE.fullmatch(str(error))
        return f"the body is not strict JSON: {found[1]} at character {found[2]}" if found else "the body is not strict JSON"
    return "the body is not strict JSON"


def _named_twice(text: str) -> str:
    """Where an object names a member twice; "" where that is not found."""
    seen: set[tuple[int, str]] = set()
    for token in _tokens(text):
        if token.names and token.text.isprintable():
            name = (token.box, _strings.decode(token.text))
            if name in seen:
                shown = f"`{name[1]}`" if _is_told(name[1]) else "a member"
                return f"{token.pointer or 'the body'} names {shown} twice (byte {_bytes(text, token.offset)})"
            seen.add(name)
    return ""


def explain(raw: bytes) -> str:
    """One sentence for the caller."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in raw[:4]:
        return "the body is not UTF-8: it looks like UTF-16 or UTF-32"
    try:
        text = raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        return f"the body is not UTF-8 at byte {error.start}"
    if not text.strip():
        return "the body is empty"
    try:
        json.JSONDecoder(parse_constant=_constant, parse_float=_float).decode(text)
    except _OddNumberError:
        return _located(text, _is_odd, "a number that JSON does not have")
    except json.JSONDecodeError as error:
        return f"the body is not strict JSON: {_worded(error)} at byte {_bytes(text, error.pos)}"
    except (ValueError, RecursionError):
        return "the body is not strict JSON: a number is too long, or it is nested too deeply"
    return _located(text, _has_half, "a lone surrogate, half of a character")


class _OddNumberError(Exception):
    """NaN, an infinity, or a number that no double holds."""


def _constant(_: str) -> NoReturn:
    raise _OddNumberError


def _float(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else _constant(text)


def _worded(error: json.JSONDecodeError) -> str:
    """What the parser says: its own words, with nothing of the text."""
    return {"Extra data": "something follows the value"}.get(error.msg, error.msg[:1].lower() + error.msg[1:]).removesuffix(" at")


def _is_odd(token: _Token) -> bool:
    if token.text in _CONSTANTS:
        return True
    try:
        return token.text[:1] in "-0123456789" and not math.isfinite(float(token.text))
    except ValueError:
        return False


def _has_half(token: _Token) -> bool:
    try:
        return token.text[:1] == '"' and _HALF.search(_strings.decode(token.text)) is not None
    except ValueError:
        return False


def _located(text: str, wrong: Callable[[_Token], bool], what: str) -> str:
    for token in _tokens(text):
        if wrong(token):
            place = f"the name of a member of {token.pointer or 'the body'}" if token.names else token.pointer or "the body"
            return f"the body is not strict JSON: {what} in {place} (byte {_bytes(text, token.offset)})"
    return f"the body is not strict JSON: {what}"


def _bytes(text: str, position: int) -> int:
    return len(text[:position].encode("utf-8", "surrogatepass"))


def _tokens(text: str) -> Iterator[_Token]:
    """The scalars of what is nearly JSON, in order."""
    way: list[str | int] = []  # of each open container: the name that was read last, or the position
    named: list[bool] = []
    boxes: list[int] = []
    for found in _TOKEN.finditer(text):
        lexeme = found[0]
        if lexeme in "{[":
            if len(way) > _DEPTH:
                return
            way.append("" if lexeme == "{" else 0)
            named.append(False)
            boxes.append(found.start())
        elif lexeme in "}]" and way:
            way.pop()
            named.pop()
            boxes.pop()
        elif lexeme == "," and way:
            last = way[-1]
            way[-1] = last + 1 if isinstance(last, int) else ""
            named[-1] = False
        elif lexeme == ":" and named:
            named[-1] = True
        elif lexeme not in ",:":
            names = bool(way) and isinstance(way[-1], str) and not named[-1]
            yield _Token(_pointer(way[:-1] if names else way), found.start(), lexeme, names, boxes[-1] if boxes else -1)
            if names:
                way[-1] = lexeme[1:-1]


def _pointer(way: list[str | int]) -> str:
    """RFC 6901; a name that does not look like one is left out."""
    return "".join(f"/{step}" if isinstance(step, int) or _is_told(step) else "/…" for step in way)


def _is_told(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and is_plain(name)
