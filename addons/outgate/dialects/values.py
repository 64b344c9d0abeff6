"""Tell what a value of a body may be: ciphertext that a provider wants back, or pieces of a longer number."""

import binascii
import re
from base64 import urlsafe_b64decode
from collections.abc import Collection
from typing import Any

from outgate.inference.prompt import Channel

_DIGITS, _PIECES, _MEMBERS = range(12, 160), range(2, 65), 256
"""Digits of whole numbers in one container that may be pieces of one, how many they are, and the largest container looked at."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,3}")
"""In either alphabet, and nothing else: words have spaces."""
_URLSAFE = str.maketrans("+/", "-_")
_SEALED = range(40, 1_048_577)
"""Characters of what is carried unread: longer than any card, IBAN or number, and no longer than a model thinks."""


def may_be_cut(values: Collection[Any]) -> bool:
    """Whether whole numbers in one container may be the groups of a longer one."""
    if len(values) > _MEMBERS:
        return False
    digits = [len(str(value)) for value in values if value.__class__ is int]
    return len(digits) in _PIECES and sum(digits) in _DIGITS


def channel_of_base64(text: str) -> Channel | None:
    """The channel of what may be ciphertext, None for anything else. It is never read with its neighbours: a changed byte makes it
    worthless. Words in base64 are no ciphertext.
    """
    if not _BASE64.fullmatch(text):
        return None
    sealed = len(text) in _SEALED and not text.isdecimal() and not _holds_words(text)
    return Channel.SEALED if sealed else Channel.PARAMETER


def _holds_words(text: str) -> bool:
    """Whether these letters of base64 stand for text, which nothing encrypted looks like."""
    plain = text.translate(_URLSAFE).rstrip("=")
    try:
        words = urlsafe_b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return all(map(str.isprintable, words.split()))
