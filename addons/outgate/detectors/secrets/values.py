"""Tell a secret from what stands in its place in documentation: examples, placeholders, digests, names and expressions."""

import re
from base64 import urlsafe_b64decode
from binascii import Error
from collections import Counter
from itertools import pairwise
from math import log2

import orjson

_STANDS_IN = re.compile(
    r"(?i:example|sample|dummy|placeholder|redacted|change.?me|replace.?me|not.?(?:a|the).?(?:real|secret)|dead.?beef|cafe.?babe|abcdef|qwert)"
    r"|xxx|XXX|\*\*\*|\.\.\.|…|<[^>]*>|\$\{|\{\{|\}\}|\$\(|%[(s{]|\$[A-Z_]{3}|(?<![A-Za-z0-9])(?i:foo|bar|baz|your|todo|test|fake)(?![a-z])"
)
"""What a published key has in it, and a real one next to never."""
_WORDS = re.compile(r"secret|passw|p4ssw|p@ssw|s3cr3t|hunter2|pass1|token|insert", re.IGNORECASE)
"""What a value has in it that only says what ought to stand there."""
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z", re.IGNORECASE)
_STEPS = re.compile(r"01234|12345|23456|34567|45678|56789|98765|87654|76543|65432|abcde|bcdef|asdfg", re.IGNORECASE)
_STIR, _STIR_OF_LONG, _LONG = 0.4, 0.3, 20
"""Changes between small letters, capitals and digits, by character: a name has fewer, what is drawn has more."""
_NAME = re.compile(r"[A-Za-z_$@][\w$]*(?:(?:\.|::|->|/|-)[A-Za-z_$@]?[\w$]*)*[!?]?\Z")
_HEAD_OF_JWT = re.compile(r"eyJ[\w-]*\Z")
_CALL = re.compile(r"[(\[{]|\)$")
_CLAIMS = frozenset(
    {"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "scope", "client_id", "email", "role", "roles", "user_id"}
)
_PUBLIC = frozenset({"1516239022", "John Doe", "1234567890"})
"""Claims of the token that every page about them shows."""


def entropy(text: str) -> float:
    """Bits per character, by how often each stands in the text."""
    total = len(text)
    return -sum(count / total * log2(count / total) for count in Counter(text).values())


def stands_in(value: str) -> bool:
    """Whether this is written in the place of a secret: it says so, repeats itself, or counts."""
    return (
        _STANDS_IN.search(value) is not None or len(set(value)) < 5 or (_STEPS.search(value) is not None and entropy(value) < 4.0)
    )


def is_drawn(value: str) -> bool:
    """Whether somebody or something chose this at random: letters and digits, mixed, and no name of a program."""
    if stands_in(value) or is_uuid(value) or _WORDS.search(value) or _CALL.search(value) or _HEAD_OF_JWT.match(value):
        return False
    is_still = stir(value) < (_STIR if len(value) < _LONG else _STIR_OF_LONG)
    is_spelt = not any(map(str.isdigit, value))
    if value.isdigit() or (is_spelt and (len(value) < 12 or is_still)) or (_NAME.match(value) and is_still):
        return False
    if len(value) >= 16:
        return entropy(value) >= 3.2
    kinds = (
        any(map(str.islower, value)),
        any(map(str.isupper, value)),
        any(not char.isalnum() and char not in "_." for char in value),
    )
    return sum(kinds) >= 2 and entropy(value) >= 2.7


def is_uuid(value: str) -> bool:
    """Whether it has the form of RFC 9562, as ids have, and keys of a few services."""
    return _UUID.match(value) is not None


def stir(value: str) -> float:
    """Changes between small letters, capitals and digits, by character."""
    classes = ["a" if char.islower() else "A" if char.isupper() else "0" for char in value if char.isalnum()]
    return sum(one != other for one, other in pairwise(classes)) / max(1, len(classes))


def is_token_of_nobody(value: str) -> bool:
    """Whether a JSON Web Token says nothing about anybody: those of manuals do."""
    try:
        claims = orjson.loads(urlsafe_b64decode(value.split(".")[1] + "==="))
    except (Error, ValueError, IndexError):
        return False
    return isinstance(claims, dict) and (_CLAIMS.isdisjoint(claims) or not _PUBLIC.isdisjoint(map(str, claims.values())))
