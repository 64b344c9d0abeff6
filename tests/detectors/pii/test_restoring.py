"""Placeholders become values again, however the answer is cut."""

import json
import random
import time
import tracemalloc

import pytest

from detectors.fakes import FakeEvent, piece, text_of
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.pii.restoring import Restoring
from outgate.inference.prompt import Channel
from outgate.inference.stream import Text
from support.judging import at_once, guarded, through

_MAP = Placeholders({"<EMAIL_1>": "bob@example.com", "<EMAIL_12>": "eve@example.com", "<CARD_1>": '4111\n"1111\\'})
_TEXTS = (
    ("", ""),
    ("mail <EMAIL_1>, <EMAIL_12> and <EMAIL_1>!", "mail bob@example.com, eve@example.com and bob@example.com!"),
    ("<<EMAIL_1>> <EMAIL_2> <EMAIL_ <email_1> <", "<bob@example.com> <EMAIL_2> <EMAIL_ <email_1> <"),
    ("<EMAIL_1", "<EMAIL_1"),
    ("<EMAIL_<EMAIL_1>", "<EMAIL_bob@example.com"),
    ("a < b and <CARD_1> > c", 'a < b and 4111\n"1111\\ > c'),
)


def _cut(text: str, random: random.Random) -> list[str]:
    cuts = sorted(random.randrange(len(text) + 1) for _ in range(random.randrange(len(text) + 2))) if text else []
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def test_any_chunking_restores_the_same_text() -> None:
    chance = random.Random(7)
    for _ in range(1_000):
        for text, expected in _TEXTS:
            events = through(Restoring(_MAP), [piece(part) for part in _cut(text, chance)])
            assert expected == text_of(events)


def test_pieces_of_json_are_escaped_however_they_are_cut() -> None:
    part = (0, "partial_json")
    whole = '{"to": "<EMAIL_1>", "card": "\\u003cCARD_1\\u003e", "other": "\\u003cCARD_2>", "x": "\\\\<CARD_1\\u003E"}'
    expected = {"to": "bob@example.com", "card": '4111\n"1111\\', "other": "<CARD_2>", "x": '\\4111\n"1111\\'}
    chance = random.Random(9)
    for _ in range(1_000):
        pieces = [piece(text, part, Channel.TOOL_ARGUMENTS) for text in _cut(whole, chance)]
        assert expected == json.loads(text_of(through(Restoring(_MAP), pieces), part))


def test_interleaved_parts_are_restored_apart() -> None:
    events = [piece("<EMA", ("a",)), piece("<CAR", ("b",)), piece("IL_1>", ("a",)), piece("x", ("b",))]
    passed = through(Restoring(_MAP), events)
    assert ("bob@example.com", "<CARx") == (text_of(passed, ("a",)), text_of(passed, ("b",)))


def test_what_is_held_goes_out_before_its_part_closes() -> None:
    judges = guarded(Restoring(_MAP))
    at_once(judges.feed(piece("see <EMAIL_1")))
    close = FakeEvent(closes=(("content",),))
    passed = list(at_once(judges.feed(close)))
    assert ["<EMAIL_1", close] == [text_of(passed[:1]), passed[1]]
    assert [] == list(at_once(judges.finish()))


def test_a_text_that_closes_its_own_part_holds_nothing_back() -> None:
    event = FakeEvent((Text(("content",), "see <EMA", Channel.ASSISTANT),), closes=(("content",),))
    assert ["see <EMA"] == [text_of([out]) for out in through(Restoring(_MAP), [event])]


def test_a_whole_answer_holds_nothing_back_and_is_not_escaped() -> None:
    event = FakeEvent((Text((0, "arguments"), "<CARD_1> <EMA", Channel.TOOL_ARGUMENTS),), whole=True)
    (out,) = through(Restoring(_MAP), [event])
    assert '4111\n"1111\\ <EMA' == out.texts[0].text


def test_only_a_possible_placeholder_is_held_back() -> None:
    (out,) = at_once(guarded(Restoring(_MAP)).feed(piece("a < b <PHONE_")))
    assert "a < b <PHONE_" == text_of([out])
    (out,) = at_once(guarded(Restoring(_MAP)).feed(piece("a <EMAIL_")))
    assert "a " == text_of([out])


@pytest.mark.parametrize("foreign", ["<EMAIL_2>", "<PHONE_1>", "<EMAIL_01>", "<EMAIL_1 >"])
def test_placeholders_of_others_are_left_alone(foreign: str) -> None:
    assert f"x {foreign} y" == text_of(through(Restoring(_MAP), [piece(f"x {foreign} y")]))


def test_a_restored_value_is_not_read_again() -> None:
    nested = Placeholders({"<EMAIL_1>": "<CARD_1>", "<CARD_1>": "secret"})
    assert "<CARD_1>" == text_of(through(Restoring(nested), [piece("<EMAIL_1>")]))


def test_a_prompt_full_of_personal_data_costs_no_more_than_its_names() -> None:
    """A body of 2 MB holds a quarter of a million addresses: prefixes of all their placeholders were gigabytes, and seconds."""
    many = Placeholders({f"<EMAIL_{number}>": "a@b.co" for number in range(50_000)})
    tracemalloc.start()
    start = time.process_time()

    restoring = Restoring(many)
    restored = text_of(through(restoring, [piece("<EMA"), *(piece("x") for _ in range(200)), piece("<EMAIL_49999>")]))

    spent, (_, peak) = time.process_time() - start, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "<EMA" + 200 * "x" + "a@b.co" == restored
    assert spent < 1.5
    assert peak < 8_000_000
