"""Placeholders that somebody forges, copies or finds in the cache mean what they stand for in the same request, and no more."""

import asyncio
from typing import Any

import pytest

from detectors.fakes import prompt, texts_of
from outgate.stores.answers import MemoryAnswers
from stages.cache.test_cache import EMBEDDINGS, body, cache, entry, events_of, facts, key_of
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


A, B = "a@x.example", "b@x.example"


def asking(*texts: str, workload: str = "w") -> Any:
    """Facts of a request whose messages of a user were redacted to these."""
    given = facts(body(*(("user", "hello") for _ in texts)), workload=workload)
    return given._replace(prompt=given.prompt.replace(dict(enumerate(texts))))


@pytest.mark.parametrize("other", [{"workload": "b"}, {"workload": "b", "value": B}, {"value": B}])
def test_callers_who_differ_in_what_was_redacted_share_a_key(other: dict[str, str]) -> None:
    stage = cache(scope="tenant")

    def redacted(workload: str = "a", value: str = A) -> Any:
        return asking(f"mail {placeholder(value, workload=workload)}", workload=workload)

    assert key_of(redacted(), stage) == key_of(redacted(**other), stage)


def test_an_answer_is_given_to_each_with_its_own_placeholders() -> None:
    store = MemoryAnswers(lambda: 0.0)
    stage, (mine, yours) = cache(store), (placeholder(A), placeholder(B))
    key, names, *_ = stage.run(asking(f"mail {mine}"))
    store.put(key, entry(names.inward[mine].encode()))
    answers = [asyncio.run(events_of(stage.run(asking(f"mail {name}")))) for name in (mine, yours)]

    assert [mine, yours] == [event.texts[0].text for (event,) in answers]


FORGED = [
    "mail EMAIL_1",
    "mail EMAIL_cbbbbbbbbbbb EMAIL_1",
    f"mail {placeholder(A)} EMAIL_1",
    f"mail {placeholder(A)[:-1]}",
    f"mail {placeholder(A).lower()}",
    f"mail X{placeholder('+49 30 1', 'PHONE_NUMBER')}",
    f"mail {placeholder(A)} {placeholder(A)}",
]


@pytest.mark.parametrize("typed", FORGED)
def test_what_somebody_types_like_a_placeholder_shares_no_key_with_one(typed: str) -> None:
    assert key_of(asking(typed)) != key_of(asking(f"mail {placeholder(A)}"))
    assert key_of(asking(typed)) != key_of(asking(f"mail {placeholder(A)} {placeholder(B)}"))


def test_the_pattern_of_equal_values_makes_the_key() -> None:
    a, b, c = (placeholder(value) for value in (A, B, "c@x.example"))

    assert key_of(asking(f"{a} {b} {a}")) == key_of(asking(f"{c} {a} {c}"))
    assert key_of(asking(f"{a} {b} {a}")) != key_of(asking(f"{a} {b} {b}"))
    assert key_of(asking(a, b)) != key_of(asking(a, a))


def test_a_vector_depends_on_the_letters_of_a_placeholder() -> None:
    given = facts(b'{"model":"m","input":"hello"}', operation=EMBEDDINGS)
    mine, yours = (given._replace(prompt=given.prompt.replace({0: placeholder(value)})) for value in (A, B))

    assert key_of(mine) != key_of(yours)
