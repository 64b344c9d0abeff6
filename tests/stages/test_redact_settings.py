"""Settings of redaction: names and their mentions, patterns, lists of words, and what becomes of a kind."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

import pytest

from detectors.fakes import prompt, texts_of
from outgate.detectors.finding import Finding
from outgate.detectors.pii.analyzer import PiiAnalyzer
from outgate.errors import Denial
from outgate.guards.redaction import RedactSettings
from outgate.inference.principal import Principal
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import May
from outgate.stages.redact import Reads, Redact
from outgate.stores.memo import Memo
from support.placeholders import SECRET, numbered

_ANALYZER = PiiAnalyzer()


class Models:
    """The model server in this process; its model of names knows one."""

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...], share: str) -> list[Any]:
        assert ("ner", "PERSON") == (model, *options)
        return [[["PERSON", found.start(), found.end(), 0.9] for found in re.finditer("Maria Gonzalez", text)] for text in items]

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str) -> list[tuple[Finding, ...]]:
        return [_ANALYZER.detect(text, entities) for text in texts]


class Redaction:
    """The stage with its ports, run to its end."""

    def __init__(self, **settings: Any) -> None:
        self.stage = Redact(RedactSettings(**settings), Models(), Memo(bytes(32)), SECRET)

    def __call__(self, given: Prompt, name: str = "w") -> Any:
        return asyncio.run(self.stage.run(Reads(given, Principal(name=name))))[:2]


def test_a_name_has_one_placeholder_wherever_it_stands_and_in_any_case() -> None:
    given = prompt("I am Maria Gonzalez.", 'user = "maria  gonzalez"', "MARIA GONZALEZ, or Maria alone")
    redacted, placeholders = Redaction(entities=["PERSON"])(given)

    assert ("I am <PERSON_1>.", 'user = "<PERSON_1>"', "<PERSON_1>, or Maria alone") == numbered(*texts_of(redacted))
    assert ["Maria Gonzalez"] == [placeholders.value(name) for name in placeholders]


def test_numbers_are_those_of_the_languages_that_are_named() -> None:
    given = prompt("zadzwon pod 22 841 63 09, PESEL 44051401359")
    both, english = (
        Redaction(entities=["PHONE_NUMBER", "NATIONAL_ID"], languages=some)(given)[0] for some in (["pl", "en"], ["en"])
    )

    assert "zadzwon pod <PHONE_1>, PESEL <NATIONALID_1>" == numbered(*texts_of(both))[0]
    assert texts_of(given) == texts_of(english)


@pytest.mark.parametrize(
    ("languages", "codes"), [(["de", "en"], []), (["zh", "en"], ["W_LANGUAGE_UNREAD"]), (["ar"], ["W_LANGUAGE_UNREAD"])]
)
def test_a_language_whose_script_is_hardly_read_is_warned_about(languages: list[str], codes: list[str]) -> None:
    redaction = Redaction(languages=languages)

    assert codes == [each.code for each in redaction.stage.warnings]
    assert ["<EMAIL_1>"] == list(numbered(*texts_of(redaction(prompt("maria@firm.de"))[0])))


def test_other_mentions_stay_where_policy_says_so() -> None:
    redacted, _ = Redaction(entities=["PERSON"], mentions=False)(prompt("I am Maria Gonzalez.", "x = 'maria gonzalez'"))

    assert "x = 'maria gonzalez'" == texts_of(redacted)[1]


@pytest.mark.parametrize(
    ("settings", "text", "sent"),
    [
        ({"modes": {"CREDIT_CARD": "mask"}}, "card 4111111111111111.", "card ****1111."),
        ({"modes": {"US_SSN": "mask"}}, "ssn 536-90-4399.", "ssn ****."),
        ({"patterns": {"STAFF": "E-[0-9]{6}"}}, "ask E-123456, not E-12", "ask <CUSTOM_1>, not E-12"),
        ({"patterns": {"STAFF": "Ü[0-9]{2}"}}, "ä Ü12 ß Ü34 é", "ä <CUSTOM_1> ß <CUSTOM_2> é"),
        (
            {"deny_list": ["Nightingale", "Project X"]},
            "nightingale, project  x, Nightingales",
            "<CUSTOM_1>, <CUSTOM_2>, Nightingales",
        ),
        ({"allow_list": ["info@example.com"]}, "Info@example.com or jane@example.com", "Info@example.com or <EMAIL_1>"),
    ],
)
def test_a_policy_names_kinds_words_and_modes(settings: dict[str, Any], text: str, sent: str) -> None:
    redacted, _ = Redaction(**settings)(prompt(text))

    assert (sent,) == numbered(*texts_of(redacted))


def test_a_hash_is_the_same_for_a_value_and_does_not_come_back() -> None:
    redact = Redaction(modes={"EMAIL_ADDRESS": "hash"})
    redacted, placeholders = redact(prompt("jane@example.com", "jane@example.com", "john@example.com"))
    first, second, other = texts_of(redacted)

    assert re.fullmatch(r"\[EMAIL:[0-9a-f]{16}\]", first)
    assert (True, False, 0) == (first == second, first == other, len(placeholders))
    assert first != texts_of(redact(prompt("jane@example.com"), name="another")[0])[0]


def test_a_kind_that_is_denied_ends_the_request() -> None:
    stage = Redaction(patterns={"STAFF": "E-[0-9]{6}"}, modes={"STAFF": "deny"}).stage
    denied = asyncio.run(stage.run(Reads(prompt("ask E-123456"), Principal(name="w"))))

    assert isinstance(denied, Denial)
    assert ("personal_data", 403, True) == (denied.code, denied.status, "STAFF" in denied.message)
    assert "123456" not in denied.message
    assert May.DENY in stage.contract.may


def test_a_word_of_the_list_cut_over_parts_never_leaves_whole() -> None:
    redacted, _ = Redaction(deny_list=["Nightingale"])(prompt("about Night", "ingale now", turn=0))

    assert ("about <CUSTOM_1>", "<CUSTOM_2> now") == numbered(*texts_of(redacted))


@pytest.mark.parametrize(
    "wrong",
    [
        {"modes": {"STAF": "deny"}},
        {"patterns": {"PERSON": "a"}},
        {"patterns": {"STAFF": "("}},
        {"patterns": {"staff": "a"}},
        {"deny_list": [" "]},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        RedactSettings(**wrong)
