"""Canaries of E5: credentials drawn by seed, encodings in which an answer may repeat one, and what of it would get through."""

from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from random import Random

from outgate.upstreams.scrubber import Scrubber

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_+/="
_BEFORE, _AFTER = b'{"e":"', b'"}'
_MOST_LEFT = 8
"""Characters that may stay of a spelling: padding, and those that hold bits of what stands before or after."""


def _escaped(form: str, *, each: int = 1) -> Callable[[str], bytes]:
    return lambda key: "".join(form.format(ord(c)) if at % each == 0 else c for at, c in enumerate(key)).encode()


ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "turned round": lambda key: key[::-1].encode(),
    "UTF-16": lambda key: key.encode("utf-16-le")[:-1],
    "hexadecimal": lambda key: key.encode().hex().encode(),
    "hexadecimal with colons": lambda key: key.encode().hex(":").upper().encode(),
    "base64": lambda key: b64encode(key.encode()),
    "base64 of a header field": lambda key: urlsafe_b64encode(f"me:{key}".encode()),
    "base64 twice": lambda key: b64encode(b64encode(key.encode())),
    "base32": lambda key: b32encode(key.encode()),
    "JSON": _escaped("\\u{:04x}"),
    "JSON, in part": _escaped("\\u{:04X}", each=3),
    "URL": _escaped("%{:02X}"),
    "HTML": _escaped("&#{};"),
    "quoted-printable": _escaped("={:02X}"),
}


def canaries(count: int, seed: int = 11) -> Iterator[str]:
    """So many credentials of 12 to 40 characters."""
    random = Random(seed)
    for _ in range(count):
        yield "".join(random.choices(_LETTERS, k=random.randint(12, 40)))


def answer(key: str, encoding: str) -> bytes:
    """An answer that repeats the credential."""
    return _BEFORE + ENCODINGS[encoding](key) + _AFTER


def leaks(key: str, text: bytes, cuts: Iterable[int]) -> list[bool]:
    """For each of these places at which an answer is cut in two pieces, whether anything of the credential passes.

    What waits and the second piece make one text, which is the same for most cuts: that is scrubbed once.
    """
    ends: dict[bytes, bytes] = {}

    def passes(cut: int) -> bool:
        scrubber = Scrubber((key,))
        first = scrubber.feed(text[:cut], last=False)
        rest = scrubber.kept + text[cut:]
        if rest not in ends:
            ends[rest] = scrubber.feed(text[cut:], last=True)
        out = first + ends[rest]
        left = out[len(_BEFORE) : -len(_AFTER)]
        whole = out.startswith(_BEFORE) and out.endswith(_AFTER) and b"***" in left
        return not whole or len(left) - 3 > _MOST_LEFT

    return [passes(cut) for cut in cuts]
