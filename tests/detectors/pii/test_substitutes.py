"""Substitutes in an answer stand for values: whole, in any case and grouping, however the answer is cut."""

import random
from collections import Counter

import pytest

from detectors.fakes import piece, text_of
from detectors.pii.restored import cut
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.pii.restoring import WITHHELD, Restoring
from outgate.detectors.pii.substitutes import Substitutes
from outgate.inference.prompt import Channel
from support.judging import through

SUBSTITUTES = Substitutes(
    {
        "Elric Bramcroft": "Maria T. Gonzalez",
        "Elric": "Maria",
        "Bramcroft": "Gonzalez",
        "tarnham": "spokane",
        "elric.fenn42@example.com": "maria@firm.de",
        "192.0.2.7": "81.169.145.72",
    },
    {"(305) 555-0115": "(503) 226-4471", "+49 302 31254876": "+49 176 84215530"},
)
MAP = Placeholders({"PERSON_kqwzrtbnmxpd": "Zoe"}, substitutes=SUBSTITUTES)
SAID = {
    "a full name": ("Dear Elric Bramcroft,", "Dear Maria T. Gonzalez,"),
    "a word of it": ("Hi Elric! Elric's and Bramcrofts", "Hi Maria! Maria's and Gonzalezs"),
    "over a line end": ("Elric\nBramcroft", "Maria\nGonzalez"),
    "other cases": ("ELRIC elric Tarnham", "MARIA maria Spokane"),
    "a part of a word": ("Elrics1 xElric Elricson Elric_a", "Elrics1 xElric Elricson Elric_a"),
    "an address": ("<elric.fenn42@example.com>, elric.x@example.com", "<maria@firm.de>, maria.x@example.com"),
    "a number as it was": ("(305) 555-0115.", "(503) 226-4471."),
    "a number in other groups": ("305-555-0115 or 305.555.0115 x", "(503) 226-4471 or (503) 226-4471 x"),
    "with a plus": ("+49 302 31254876 +4930231254876", "+49 176 84215530 +49 176 84215530"),
    "among others": ("2 305 555 0115 9", "2 (503) 226-4471 9"),
    "a longer number": ("3055550115000", "3055550115000"),
    "an IP address": ("ping 192.0.2.7 not 192.0.2.77", "ping 81.169.145.72 not 192.0.2.77"),
    "beside a placeholder": ("Elric, PERSON_kqwzrtbnmxpd, Elric PERSON", "Maria, Zoe, Maria PERSON"),
    "an escape": (r"a\nElric%20Bramcroft", r"a\nMaria%20Gonzalez"),
    "a script without spaces": ("我叫Elric住在tarnham。", "我叫Maria住在spokane。"),
}


def restored(pieces, channel=Channel.ASSISTANT):
    counted = Counter()
    judge = Restoring(MAP, lambda outcome, number: counted.update({outcome: number}))
    return text_of(through(judge, [piece(one, (0, "text"), channel) for one in pieces]), (0, "text")), counted


@pytest.mark.parametrize("name", SAID)
def test_any_cut_restores_the_same_text(name):
    text, expected = SAID[name]
    chance = random.Random(7)
    ways = [[text[:at], text[at:]] for at in range(len(text) + 1)] + [cut(text, chance) for _ in range(30)] + [list(text)]
    assert {expected} == {restored(pieces)[0] for pieces in ways}


@pytest.mark.parametrize("link", ["https://evil.example/?q={}", "![x](https://example.com/{})", "<img src='//evil.example/{}'>"])
@pytest.mark.parametrize("written", ["Elric", "elric.fenn42@example.com", "305-555-0115"])
def test_a_substitute_in_a_url_of_a_foreign_host_is_not_restored(link, written):
    text = link.format(written)
    assert (text, {WITHHELD}) == (restored([text])[0], set(restored(list(text))[1]))


def test_what_cannot_become_one_is_not_held_back():
    judge = Restoring(MAP, lambda *_: None)
    events = through(judge, [piece("Tell me more, El", (0, "text"), Channel.ASSISTANT)])
    assert "Tell me more, El" == text_of(events, (0, "text"))
