"""Keys of requests: what counts by its bytes, what by its order alone; and what keeps two questions apart."""

import orjson
import pytest

from outgate.answers.keys import keys_of, question_of
from outgate.answers.settings import CacheSettings, SimilarSettings
from outgate.inference.operation import Kind, Operation
from stages.cache.test_cache import CHAT, CLAUDE, DIFFERENT, EMBEDDINGS, body, facts
from support.placeholders import placeholder


def asking(*texts):
    given = facts(body(*(("user", "hello") for _ in texts)))
    return given._replace(prompt=given.prompt.replace(dict(enumerate(texts))))


@pytest.mark.parametrize("scope", ["workload", "tenant"])
def test_the_keys_name_the_placeholders_of_the_whole_prompt(scope):
    jane, john = placeholder("jane@x.example"), placeholder("john@x.example")
    keys = keys_of(asking(f"{jane} is new", f"mail {john} and {jane}"), CacheSettings(scope=scope))

    assert 32 == len(keys.key)
    assert [jane, john] == list(keys.names.inward)


@pytest.mark.parametrize(("first", "second"), [(("EMAIL_1", ""), ("", "EMAIL_1")), (("a\0b",), ("a", "b")), (("\ud800",), ("?",))])
def test_texts_cannot_run_into_each_other(first, second):
    assert keys_of(asking(*first), CacheSettings()).key != keys_of(asking(*second), CacheSettings()).key


SIMILAR = CacheSettings(when="always", tools=True, similar=SimilarSettings(mode="shadow", max_characters=40))


def partition(given, settings=SIMILAR):
    return keys_of(given, settings).partition


def test_questions_in_other_words_share_a_partition_and_no_key():
    first, second = (
        keys_of(facts(body(("system", "be brief"), ("user", text))), SIMILAR) for text in ("What is up?", "How are you?")
    )

    assert first.key != second.key
    assert first.partition.digest == second.partition.digest
    assert ["What is up?", "How are you?"] == [first.partition.text, second.partition.text]


ALIKE = {"text", "a space", "composed and decomposed", "decomposed"}
"""Differences within the question alone."""


@pytest.mark.parametrize("name", [name for name in DIFFERENT if name not in ALIKE])
def test_every_other_difference_is_another_partition(name):
    other = partition(DIFFERENT[name])

    assert other is None or partition(facts()).digest != other.digest


@pytest.mark.parametrize("name", sorted(ALIKE))
def test_a_difference_in_the_question_is_none(name):
    assert partition(facts()).digest == partition(DIFFERENT[name]).digest


EARLIER = [
    (("user", "a"), ("assistant", "b")),
    (("user", "a"), ("assistant", "b.")),
    (("user", "a "), ("assistant", "b")),
    (("user", "ab"), ("assistant", "")),
    (("system", "a"), ("assistant", "b")),
    (("user", "a"),),
    (),
]


def test_every_earlier_turn_counts_to_the_byte():
    digests = [partition(facts(body(*earlier, ("user", "why?")))).digest for earlier in EARLIER]

    assert len(EARLIER) == len(set(digests))


MEANING = CacheSettings(when="always", tools=True, similar=SimilarSettings(mode="shadow", history="meaning"))
TALK = (("system", "be brief"), ("user", "hello there"), ("assistant", "hi"), ("user", "why?"))


def talk(at, by, text):
    return partition(facts(body(*TALK[:at], (by, text), *TALK[at + 1 :])), MEANING)


def test_with_history_by_meaning_what_users_said_is_kept_beside_the_partition():
    first, other = talk(1, "user", "hello there"), talk(1, "user", "good morning")

    assert first.digest == other.digest
    assert [b'["hello there"]', b'["good morning"]'] == [first.history, other.history]


@pytest.mark.parametrize(
    "change", [(0, "system", "be long"), (2, "assistant", "hi!"), (1, "assistant", "hello there"), (1, "user", "EMAIL_1")]
)
def test_with_history_by_meaning_all_else_counts_to_the_byte(change):
    assert talk(*change).digest != talk(1, "user", "hello there").digest


def test_an_exact_and_a_judged_history_never_share_a_partition():
    exact, judged = (partition(facts(body(*TALK)), settings) for settings in (SIMILAR, MEANING))

    assert (b"", True) == (exact.history, exact.digest != judged.digest)


def test_an_earlier_turn_that_names_another_placeholder_is_another_partition():
    a, b = placeholder("a@x.example"), placeholder("b@x.example")
    asked = [
        partition(asking(*texts), MEANING) for texts in ((f"mail {a}", f"{b}?"), (f"write {b}", f"{a}?"), (f"mail {a}", f"{a}?"))
    ]

    assert asked[0].digest == asked[1].digest != asked[2].digest
    assert [b'["mail EMAIL_1"]', b'["write EMAIL_1"]'] == [each.history for each in asked[:2]]


IMAGE = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
TOOL_RESULT = [
    {"role": "user", "content": "now?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "1", "content": "42"},
]
NO_QUESTION = {
    "short": body(("user", "a")),
    "long": body(("user", "a" * 41)),
    "blank": body(("user", " \n ")),
    "control characters": body(("user", "hello\x00 there")),
    "the assistant's": body(("user", "hello"), ("assistant", "Hi, I")),
    "a system prompt": body(("system", "hello")),
    "two parts": orjson.dumps({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]}]}),
    "a tool's": orjson.dumps({"model": "m", "messages": TOOL_RESULT}),
    "our own names": body(("user", "mail EMAIL_1")),
    "our own names, small": body(("user", "mail email_1")),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_QUESTION)
def test_what_is_no_plain_question_has_no_partition(name):
    given = facts(NO_QUESTION[name])

    assert partition(given) is None
    assert question_of(given, SIMILAR) is None


def test_other_operations_and_policies_without_the_tier_have_none():
    assert partition(facts(b'{"model":"m","input":"hello"}', operation=EMBEDDINGS)) is None
    assert partition(facts(), CacheSettings()) is None
    assert question_of(facts(), CacheSettings()) is None


ANTHROPIC = orjson.dumps({"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]})
RESPONSES = orjson.dumps(
    {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hello"}]}], "store": False}
)


@pytest.mark.parametrize(
    ("raw", "operation"), [(body(), CHAT), (ANTHROPIC, CLAUDE), (RESPONSES, Operation("responses", Kind.CHAT))]
)
def test_a_question_is_found_in_every_dialect(raw, operation):
    given = facts(raw, operation=operation)

    assert "hello" == question_of(given, SIMILAR) == partition(given).text


def test_an_input_that_is_one_text_is_a_question_beside_its_instructions():
    raw, at = (
        orjson.dumps({"model": "m", "input": "hello", "instructions": "Be brief.", "store": False}),
        Operation("responses", Kind.CHAT),
    )
    given = facts(raw, operation=at, at=("d:443", "/v1/responses"))

    assert "hello" == question_of(given, SIMILAR) == partition(given).text


def test_callers_who_differ_in_what_was_redacted_share_a_partition():
    first, second = (asking(f"I am {who}", f"who is {who}?") for who in (placeholder("a@x.example"), placeholder("b@x.example")))

    assert partition(first) == partition(second)
    assert "who is EMAIL_1?" == partition(first).text == question_of(first, SIMILAR)


@pytest.mark.parametrize("text", ["mail {a}", "mail {b}", "mail {a} and {b}", "call {phone}", "mail somebody", "mail EMAIL 1"])
def test_questions_that_name_others_are_apart(text):
    names = {"a": placeholder("a@x.example"), "b": placeholder("b@x.example"), "phone": placeholder("+49 30 1", "PHONE_NUMBER")}
    earlier = "{a} {b} {phone}".format(**names)
    digests = [partition(asking(earlier, each.format(**names))).digest for each in (text, "{a}, {phone}?")]

    assert digests[0] != digests[1]
