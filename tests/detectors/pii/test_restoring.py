"""Placeholders become values again, however the answer is cut. Spellings and URLs are in the tests of `spellings` and `links`."""

import json
import random
import time
import tracemalloc

import pytest

from detectors.fakes import FakeEvent, piece, text_of
from detectors.pii.restored import CARD, EMAIL, FOREIGN, IP, MAP, OTHER, VALUES, cut, restored, same_in_any_cut
from outgate.detectors.pii.placeholders import LABELS, Naming, Placeholders
from outgate.detectors.pii.restoring import UNKNOWN, Restoring
from outgate.inference.prompt import Channel
from outgate.inference.stream import Text
from support.judging import at_once, guarded, through

PLAIN = {
    "nothing": ("", ""),
    "three": (f"mail {EMAIL}, {OTHER} and {EMAIL}!", "mail bob@example.com, o'neill+a&b@example.org and bob@example.com!"),
    "nobody's": (f"{FOREIGN} EMAIL_ email_1 EMAIL_kqwz <EMAIL_1>", f"{FOREIGN} EMAIL_ email_1 EMAIL_kqwz <EMAIL_1>"),
    "cut short": (EMAIL[:-1], EMAIL[:-1]),
    "one in the other": (f"EMAIL_{EMAIL}", "EMAIL_bob@example.com"),
    "glued": (f"{EMAIL}{CARD}{IP}s", 'bob@example.com4111\n"1111\\10.1.2.3s'),
    "behind a letter": (f"v{IP} x{EMAIL} _{EMAIL}_ 1{EMAIL}", "v10.1.2.3 xbob@example.com _bob@example.com_ 1bob@example.com"),
    "word that ends like one": (f"x{EMAIL.lower()} VIP CHIP", f"x{EMAIL.lower()} VIP CHIP"),
    "line end in code": (rf'print("a\n{EMAIL}\t{EMAIL.lower()}")', r'print("a\nbob@example.com\tbob@example.com")'),
}


@pytest.mark.parametrize("name", PLAIN)
def test_any_cut_restores_the_same_text(name: str) -> None:
    same_in_any_cut(*PLAIN[name])


def test_pieces_of_json_are_escaped_however_they_are_cut() -> None:
    whole = f'{{"to": "{EMAIL}", "card": "\\u003c{CARD}>", "line": "a\\n{CARD.lower()}", "x": "\\\\{CARD}", '
    whole += '"md": "EMAIL\\\\_kqwzrtbnmxpd"}'
    value = VALUES[CARD]
    expected = {"to": "bob@example.com", "card": f"<{value}>", "line": f"a\n{value}", "x": f"\\{value}", "md": "bob@example.com"}
    chance = random.Random(9)
    for _ in range(300):
        got, _ = restored(whole, channel=Channel.TOOL_ARGUMENTS, name="partial_json", pieces=cut(whole, chance))
        assert expected == json.loads(got)


def test_what_the_model_invents_stays_as_it_is_and_is_counted() -> None:
    text = f"{FOREIGN} {EMAIL[:-2]} IP_kqwzrtbnmxpd"
    assert {UNKNOWN: 3} == same_in_any_cut(text, text)


def test_of_two_values_with_one_name_the_longer_is_known_in_any_cut() -> None:
    naming = Naming(bytes(32), letters=1)
    given = {naming.placeholder("EMAIL_ADDRESS", f"{number}@b.co"): f"{number}@b.co" for number in range(60)}
    assert len(given) == 60
    text = " ".join(given)
    for pieces in (list(text), [text], [text[at : at + 5] for at in range(0, len(text), 5)]):
        events = through(Restoring(naming.result(), lambda *_: None), [piece(one) for one in pieces])
        assert {len(name) for name in given} >= {len("EMAIL_") + 7}
        said = text_of(events).split(" ")
        assert [value for name, value in given.items() if len(name) > 13] == [
            said[index] for index, name in enumerate(given) if len(name) > 13
        ]


def test_interleaved_parts_are_restored_apart() -> None:
    events = [piece(EMAIL[:5], ("a",)), piece(CARD[:3], ("b",)), piece(EMAIL[5:], ("a",)), piece("x", ("b",))]
    passed = through(Restoring(MAP, lambda *_: None), events)
    assert ("bob@example.com", "CARx") == (text_of(passed, ("a",)), text_of(passed, ("b",)))


def test_what_is_held_goes_out_before_its_part_closes() -> None:
    judges = guarded(Restoring(MAP, lambda *_: None))
    at_once(judges.feed(piece("see EMAIL_kq")))
    close = FakeEvent(closes=(("content",),))
    passed = list(at_once(judges.feed(close)))
    assert ["EMAIL_kq", close] == [text_of(passed[:1]), passed[1]]
    assert [] == list(at_once(judges.finish()))


def test_a_text_that_closes_its_own_part_holds_nothing_back() -> None:
    event = FakeEvent((Text(("content",), "see EMA", Channel.ASSISTANT),), closes=(("content",),))
    assert ["see EMA"] == [text_of([out]) for out in through(Restoring(MAP, lambda *_: None), [event])]


@pytest.mark.parametrize(
    ("said", "passed"), [("we see", "we see"), ("a < b and VIP", "a < b and VIP"), ("I", ""), ("to EMAIL_kq", "to ")]
)
def test_only_a_possible_placeholder_is_held_back(said: str, passed: str) -> None:
    (out,) = at_once(guarded(Restoring(MAP, lambda *_: None)).feed(piece(said)))
    assert passed == text_of([out])


def test_a_restored_value_is_not_read_again() -> None:
    nested = Placeholders({EMAIL: CARD, CARD: "secret"})
    assert CARD == text_of(through(Restoring(nested, lambda *_: None), [piece(EMAIL)]))


def test_every_label_is_restored() -> None:
    naming = Naming(bytes(32))
    text = " ".join(naming.placeholder(entity, f"value of {entity}") for entity in LABELS)
    assert " ".join(f"value of {entity}" for entity in LABELS) == text_of(
        through(Restoring(naming.result(), lambda *_: None), [piece(one) for one in text])
    )


def test_a_prompt_full_of_personal_data_costs_no_more_than_its_names() -> None:
    """A body of 2 MB holds a quarter of a million addresses: prefixes of all their placeholders were gigabytes, and seconds."""
    naming = Naming(bytes(32))
    names = [naming.placeholder("EMAIL_ADDRESS", f"a{number}@b.co") for number in range(50_000)]
    many = naming.result()
    tracemalloc.start()
    start = time.process_time()

    restoring = Restoring(many, lambda *_: None)
    said = text_of(
        through(restoring, [piece("EMA"), *(piece("x") for _ in range(200)), piece(names[-1].replace("EMAIL", " EMAIL"))])
    )

    spent, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "EMA" + 200 * "x" + " a49999@b.co" == said
    assert spent < 1.5
    assert peak < 8_000_000
