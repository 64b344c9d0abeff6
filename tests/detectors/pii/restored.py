"""Text through the judge of `restore`, in any pieces."""

import random
from collections import Counter

from detectors.fakes import piece, text_of
from outgate.detectors.pii.links import hosts_in
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.pii.restoring import Restoring
from outgate.inference.prompt import Channel
from support.judging import through

EMAIL, OTHER, CARD, IP = "EMAIL_kqwzrtbnmxpd", "EMAIL_kqwzrtbnmxpc", "CARD_bcdfghjkmnpq", "IP_zzyyxxwwvvtt"
VALUES = {EMAIL: "bob@example.com", OTHER: "o'neill+a&b@example.org", CARD: '4111\n"1111\\', IP: "10.1.2.3"}
MAP = Placeholders(VALUES, (hosts_in("see https://shop.example/a and docs.known.example or [x](//plain/y) http://[2001:db8::1]/"),))
FOREIGN = "EMAIL_bbbbbbbbbbbb"


def cut(text: str, chance: random.Random) -> list[str]:
    cuts = sorted(chance.randrange(len(text) + 1) for _ in range(chance.randrange(len(text) + 2))) if text else []
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def restored(
    text: str, *, channel: Channel = Channel.ASSISTANT, name: str = "text", pieces: list[str] | None = None
) -> tuple[str, Counter]:
    """What comes of a text in these pieces, and what was counted."""
    counted = Counter[str]()
    judge = Restoring(MAP, lambda outcome, number: counted.update({outcome: number}))
    part = (0, name)
    events = through(judge, [piece(one, part, channel) for one in (pieces if pieces is not None else [text])])
    return text_of(events, part), counted


def same_in_any_cut(text: str, expected: str, **kind) -> Counter:
    """Whole, at every single place, and at random ones."""
    whole, counted = restored(text, **kind)
    assert expected == whole
    chance = random.Random(7)
    ways = [[text[:at], text[at:]] for at in range(len(text) + 1)] + [cut(text, chance) for _ in range(30)] + [list(text)]
    for pieces in ways:
        assert (expected, counted) == restored(text, pieces=pieces, **kind), pieces
    return counted
