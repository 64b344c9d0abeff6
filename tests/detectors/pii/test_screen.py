import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.pii.disguises import DISGUISES, VALUES
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.detectors.pii.screen import ENTITIES, may_contain

_ANALYZER = PiiAnalyzer()


@pytest.mark.parametrize(
    ("text", "entities", "expected"),
    [
        ("Hello, how are you?", ENTITIES, False),
        ("a @ b", ("EMAIL_ADDRESS",), True),
        ("a @ b", ("US_SSN",), False),
        ("in 2024", ("US_SSN",), True),
        ("in 2024", ("EMAIL_ADDRESS", "IBAN_CODE"), False),
        ("fe80::1", ("IP_ADDRESS",), True),
        ("::", ("IP_ADDRESS",), True),
        ("LC55HEMMABCDEFGHIJKLMNOPQRSTUVWX", ("IBAN_CODE",), False),
    ],
)
def test_screen(text: str, entities: tuple[str, ...], expected: bool) -> None:
    assert expected is may_contain(text, entities)


def test_ordinary_prose_is_not_asked_about() -> None:
    assert not may_contain("The finance team believes that revenue in the third quarter will grow by about twelve percent. " * 50)


_BITS = st.sampled_from(
    [
        *(v for values in VALUES.values() for v in values),
        "1.2.3.4",
        "::1",
        "a@b.co",
        " ",
        "-",
        ".",
        ":",
        "1",
        "22",
        "x",
        "ssn",
        "+",
        "%40",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(_BITS, max_size=6).map("".join), st.sampled_from(list(DISGUISES)), st.sampled_from(ENTITIES))
def test_a_no_of_the_screen_is_a_no_of_the_analyzer(text: str, disguise: str, entity: str) -> None:
    planted = DISGUISES[disguise](text)
    assert may_contain(planted, (entity,)) or () == _ANALYZER.detect(planted, (entity,))
