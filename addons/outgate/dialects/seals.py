"""Seals of reasoning where a client keeps them: that of its API itself, and those of other APIs in an envelope.

A client sends reasoning back as it came. In an envelope it brings another provider its own signature again, without which
Anthropic refuses the turn after a tool call. An envelope is base64 throughout, as every seal is, so it is judged as one; and what
is in it must be base64, too, so that no words pass in it unread.
"""

import base64
import binascii
import re

from outgate.dialects.json_body import decode_value, dump
from outgate.dialects.values import channel_of_base64
from outgate.errors import WireError
from outgate.inference.conversation import Thought

_ENVELOPE = "outgate_"
"""Letters of base64, too: what begins so can be decoded as a whole."""
_URLSAFE = str.maketrans("+/", "-_")
_PROVIDER = re.compile(r"[a-z_]{1,32}")


def sealed(thought: Thought, own: str) -> str:
    """The seal of a thought for a client of the dialect `own`; empty where nothing is sealed."""
    if thought.provider == own:
        return thought.signature
    if not thought.signature and not thought.sealed:
        return ""
    seals = dump([thought.provider, thought.signature, thought.sealed])
    return _ENVELOPE + base64.urlsafe_b64encode(seals).decode().rstrip("=")


def opened(text: str, content: str, own: str) -> Thought:
    """The thought of these words with this seal. An envelope that no gateway wrote is a seal of the API's own. Clients that hold
    bytes write base64 in either alphabet, with its padding.
    """
    provider, signature, kept = _seals(content.translate(_URLSAFE).rstrip("=")) or (own, content, "")
    return Thought(text, signature, kept, provider)


def _seals(content: str) -> tuple[str, str, str] | None:
    if not content.startswith(_ENVELOPE):
        return None
    inner = content.removeprefix(_ENVELOPE)
    try:
        seals = decode_value(base64.urlsafe_b64decode(inner + "=" * (-len(inner) % 4)))
    except (WireError, binascii.Error, ValueError):
        return None
    if not isinstance(seals, list) or len(seals) != 3 or not all(isinstance(each, str) for each in seals):
        return None
    provider, *kept = seals
    unread = _PROVIDER.fullmatch(provider) and all(not seal or channel_of_base64(seal) for seal in kept)
    return (provider, kept[0], kept[1]) if unread else None
