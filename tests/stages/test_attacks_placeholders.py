"""Placeholders that somebody forges, copies or finds in the cache mean what they stand for in the same request, and no more."""

from typing import Any

import pytest

from detectors.fakes import prompt, texts_of
from stages.cache.test_cache import body, cache, facts, key_of
from stages.test_redact import Redaction
from support.placeholders import placeholder


@pytest.fixture(name="redact")
def _redact() -> Redaction:
    return Redaction()


def test_a_forged_placeholder_is_nobodys_value(redact: Redaction) -> None:
    typed = placeholder("eve@example.com")
    redacted, placeholders = redact(prompt(f"{typed} says jane@example.com", "and email_2, <EMAIL_1>"))
    jane = placeholder("jane@example.com")
    assert (f"{typed} says {jane}", "and email_2, <EMAIL_1>") == texts_of(redacted)
    assert (None, "jane@example.com") == (placeholders.value(typed), placeholders.value(jane))


def test_a_placeholder_that_came_back_means_the_same_value_and_no_other(redact: Redaction) -> None:
    jane = placeholder("jane@example.com")
    redacted, placeholders = redact(prompt(f"what is {jane}?", "jane@example.com"))
    assert (f"what is {jane}?", jane) == texts_of(redacted)
    assert ["jane@example.com"] == [placeholders.value(name) for name in placeholders]


@pytest.mark.parametrize(("settings", "same"), [({}, True), ({"scope": "conversation"}, False)])
def test_a_value_has_one_placeholder_in_its_scope(settings: dict[str, Any], same: bool) -> None:
    redact = Redaction(**settings)
    turns = ("I am new here", "jane@example.com")
    first, longer, other = (texts_of(redact(prompt(*said))[0]) for said in (turns, (*turns, "more"), ("Me too", turns[1])))
    assert first == longer[:2]
    assert same is (first[1] == other[1])


def test_another_workload_tenant_or_rotation_has_other_placeholders(redact: Redaction) -> None:
    given = prompt("jane@example.com")
    texts = [
        *texts_of(redact(given)[0]),
        *texts_of(redact(given, tenant="acme")[0]),
        *texts_of(redact(given, name="v")[0]),
        *texts_of(Redaction(rotation=1)(given)[0]),
        *texts_of(Redaction(rotation=2)(given)[0]),
    ]
    assert len(set(texts)) == 5
    assert texts_of(Redaction()(given)[0]) == (texts[0],)


@pytest.mark.parametrize("other", [{"workload": "b"}, {"workload": "b", "value": "b@x.example"}, {"value": "b@x.example"}])
def test_an_answer_with_placeholders_is_given_to_nobody_to_whom_they_mean_something_else(other: dict[str, str]) -> None:
    stage = cache(scope="tenant")

    def redacted(workload: str = "a", value: str = "a@x.example") -> Any:
        given = facts(workload=workload)
        return given._replace(prompt=given.prompt.replace({0: f"mail {placeholder(value, workload=workload)}"}))

    assert key_of(redacted(), stage) == key_of(redacted(), stage)
    assert key_of(redacted(), stage) != key_of(redacted(**other), stage)


def test_a_redacted_prompt_is_what_is_looked_up() -> None:
    first, second = (facts(body(("user", f"mail {address}"))) for address in ("a@x.example", "b@x.example"))
    names = (placeholder(address) for address in ("a@x.example", "b@x.example", "a@x.example"))
    redacted = [first._replace(prompt=first.prompt.replace({0: f"mail {name}"})) for name in names]

    assert key_of(first) != key_of(second)
    assert key_of(first) != key_of(redacted[0])
    assert key_of(redacted[0]) == key_of(redacted[2])
    assert key_of(redacted[0]) != key_of(redacted[1])
