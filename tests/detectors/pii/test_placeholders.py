"""A placeholder follows from the value and the key of its workload alone, and looks like nothing else."""

import random
import re

import pytest

from detectors.fakes import prompt
from outgate.detectors.finding import Finding
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.detectors.pii.placeholders import ALPHABET, LABELS, LETTERS, Naming, Placeholders, key_of_conversation
from outgate.detectors.pii.prefilter import ENTITIES
from outgate.inference.prompt import Channel

KEY = bytes(range(32))


def test_the_same_value_has_the_same_placeholder_in_any_order_and_company() -> None:
    values = [f"user{number}@example.com" for number in range(50)]
    first, second = Naming(KEY), Naming(KEY)
    given = {value: first.placeholder("EMAIL_ADDRESS", value) for value in values}
    random.Random(3).shuffle(values)
    assert given == {value: second.placeholder("EMAIL_ADDRESS", value) for value in values} | given
    assert {value: second.placeholder("EMAIL_ADDRESS", value) for value in values} == given
    assert len(set(given.values())) == 50


def test_other_keys_and_kinds_give_other_placeholders() -> None:
    mine, other = Naming(KEY), Naming(bytes(32))
    names = {
        mine.placeholder("EMAIL_ADDRESS", "a"),
        other.placeholder("EMAIL_ADDRESS", "a"),
        mine.placeholder("CREDIT_CARD", "a").replace("CARD", "EMAIL"),
        mine.placeholder("EMAIL_ADDRESS", "A"),
    }
    assert len(names) == 4


def test_a_placeholder_has_at_least_48_bits_and_survives_as_an_identifier() -> None:
    assert len(ALPHABET) ** LETTERS > 2**48
    for entity, label in LABELS.items():
        name = Naming(KEY).placeholder(entity, "value")
        assert re.fullmatch(rf"{label}_[{ALPHABET}]{{{LETTERS}}}", name)
        assert name.isidentifier()


def test_letters_are_evenly_spread() -> None:
    naming = Naming(KEY)
    letters = "".join(naming.placeholder("US_SSN", str(number))[4:] for number in range(2_000))
    counts = [letters.count(letter) for letter in ALPHABET]
    assert max(counts) < 1.15 * min(counts)


def test_no_detector_finds_personal_data_in_a_placeholder() -> None:
    naming, analyzer = Naming(KEY), PiiAnalyzer()
    text = " ".join(naming.placeholder(entity, str(number)) for number in range(20) for entity in ENTITIES)
    assert () == analyzer.detect(text, ENTITIES)
    assert () == analyzer.detect(text.replace(" ", "\n").lower(), ENTITIES)


def test_of_two_values_with_one_name_the_first_keeps_it_and_the_second_has_a_longer_one() -> None:
    naming, again = Naming(KEY, letters=1), Naming(KEY, letters=1)
    given = [naming.placeholder("IP_ADDRESS", str(number)) for number in range(60)]
    assert len(set(given)) == 60
    assert given[:30] == [again.placeholder("IP_ADDRESS", str(number)) for number in range(30)]
    assert {len("IP_") + 1, len("IP_") + 7} <= set(map(len, given))
    assert [str(number) for number in range(60)] == [naming.result().value(name) for name in given]


def test_a_name_is_known_in_any_case_and_in_front_of_other_letters() -> None:
    placeholders = Placeholders({"EMAIL_bcd": "short", "EMAIL_bcdfgh": "long"})
    assert "EMAIL_bcd" == placeholders.named("email", "BCD")
    assert "EMAIL_bcd" == placeholders.named("EMAIL", "bcdf")
    assert "EMAIL_bcdfgh" == placeholders.named("EMAIL", "bcdfghj")
    assert None is placeholders.named("CARD", "bcd")


def test_a_capital_letter_in_front_of_a_value_goes_with_it() -> None:
    naming = Naming(KEY)
    text = naming.redacted(
        "Xv1 IDJOE@b.co, v2 a@b.co", (Finding("EMAIL_ADDRESS", 6, 14, 1.0), Finding("EMAIL_ADDRESS", 19, 25, 1.0))
    )
    assert ["IDJOE@b.co", "a@b.co"] == [naming.result().value(name) for name in naming.result()]
    assert "Xv1 {}, v2 {}".format(*naming.result()) == text


@pytest.mark.parametrize(
    ("turns", "same"),
    [
        (("hi, I am jane", "what?", "more"), True),
        (("hi, I am joe", "what?"), False),
    ],
)
def test_a_conversation_is_told_by_its_first_message_of_a_user(turns: tuple[str, ...], same: bool) -> None:
    first = key_of_conversation(KEY, prompt("hi, I am jane"))
    assert same is (first == key_of_conversation(KEY, prompt(*turns)))
    assert first != KEY


def test_what_is_no_users_message_does_not_change_the_conversation() -> None:
    system = prompt("today is Monday", channel=Channel.SYSTEM)
    assert key_of_conversation(KEY, system) == key_of_conversation(KEY, prompt())


def test_the_values_are_never_printed() -> None:
    assert "Placeholders(1)" == f"{Placeholders({'EMAIL_b': 'bob@example.com'})!r}"
