"""Placeholders by kind and order: what counts as one, what it becomes, and what of an answer is given to whom."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outgate.detectors.pii.canonical import NONE, READABLE, Names, names_any, renamed
from outgate.detectors.pii.placeholders import ALPHABET, LETTERS
from outgate.dialects.registry import dialect
from outgate.inference.operation import Kind, Operation
from support.placeholders import placeholder
from support.sse import event

CHAT = Operation("openai", Kind.CHAT)
JANE, JOHN, PHONE = placeholder("jane@x.example"), placeholder("john@x.example"), placeholder("+49 30 1", "PHONE_NUMBER")


def whole(text):
    message = {"role": "assistant", "content": text}
    return dialect("openai").redecode(CHAT, False, orjson.dumps({"choices": [{"index": 0, "message": message}]}))


def streamed(*pieces):
    chunks = [event({"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]}) for piece in pieces]
    end = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}) + b"data: [DONE]\n\n"
    return dialect("openai").redecode(CHAT, True, b"".join(chunks) + end)


def said(events):
    return "".join(text.text for each in events for text in each.texts)


def test_placeholders_are_numbered_by_kind_over_all_texts():
    names = Names.of([f"{JOHN} and {PHONE}", f"{JANE}, {JOHN}"])

    assert (["EMAIL_1 and PHONE_1", "EMAIL_2, EMAIL_1"], 4) == (
        (named := names.canonical([f"{JOHN} and {PHONE}", f"{JANE}, {JOHN}"]))[0],
        len(named[1]),
    )


def test_the_pattern_of_equal_values_is_kept():
    a_b_a, a_b_b = [JANE, JOHN, JANE], [JANE, JOHN, JOHN]

    assert Names.of(a_b_a).canonical(a_b_a) != Names.of(a_b_b).canonical(a_b_b)
    assert Names.of(a_b_a).canonical(a_b_a) == Names.of([JOHN, JANE]).canonical([JOHN, JANE, JOHN])


def test_what_somebody_writes_like_a_readable_name_is_told_from_one():
    typed, real = ["mail EMAIL_1"], [f"mail {JANE}"]

    assert Names.of(typed).canonical(typed)[0] == Names.of(real).canonical(real)[0]
    assert Names.of(typed).canonical(typed) != Names.of(real).canonical(real)
    assert READABLE.search(typed[0])
    assert not READABLE.search(real[0])


@pytest.mark.parametrize("answer", [whole(f"Write to {JANE}, not {JOHN}."), streamed("Write to ", f"{JANE}, not {JOHN}", ".")])
def test_each_caller_gets_its_own(answer):
    mine, yours = Names.of([f"{JANE} {JOHN}"]), Names.of([f"{PHONE} {JOHN} {JANE}"])
    kept = renamed(answer, mine.inward)

    assert "Write to EMAIL_cbbbbbbbbbbb, not EMAIL_dbbbbbbbbbbb." == said(kept)
    assert f"Write to {JOHN}, not {JANE}." == said(renamed(kept, yours.outward))


@pytest.mark.parametrize("cut", range(1, len(JANE)))
def test_a_placeholder_is_found_wherever_a_stream_was_cut(cut):
    kept = renamed(streamed("to ", JANE[:cut], JANE[cut:], " now"), Names.of([JANE]).inward)

    assert "to EMAIL_cbbbbbbbbbbb now" == said(kept)
    assert [len(text.text) for each in kept for text in each.texts] == [3, cut, len(JANE) - cut, 4]


@pytest.mark.parametrize(
    ("spelt", "kept"),
    [
        (JANE.lower(), "email_cbbbbbbbbbbb"),
        (JANE.upper(), "EMAIL_CBBBBBBBBBBB"),
        (JANE.replace("_", r"\_"), r"EMAIL\_cbbbbbbbbbbb"),
        (JANE.replace("_", "%5F"), "EMAIL%5Fcbbbbbbbbbbb"),
        (JANE.replace("_", "&#95;"), "EMAIL&#95;cbbbbbbbbbbb"),
        (JANE.replace("_", " "), "EMAIL cbbbbbbbbbbb"),
        (JANE.replace("_", ""), "EMAILcbbbbbbbbbbb"),
        (f"{JANE}s", "EMAIL_cbbbbbbbbbbbs"),
    ],
)
def test_other_spellings_count(spelt, kept):
    assert f"to {kept}!" == said(renamed(whole(f"to {spelt}!"), Names.of([JANE]).inward))


@pytest.mark.parametrize("text", [f"also {JOHN}", f"also {JOHN[:-3]}", "also EMAIL_cbbbbbbbbbbb", JOHN.lower()])
def test_an_answer_that_names_another_placeholder_is_nobodys(text):
    assert renamed(whole(f"{JANE}, {text}"), Names.of([JANE]).inward) is None
    assert renamed(whole(text), NONE.inward) is None
    assert names_any([text])


def test_text_without_any_goes_on_untouched():
    answer = whole("Rhythmically, the strengths of brghtlmnp are IP_1 and EMAIL_2.")

    assert renamed(answer, Names.of([JANE]).inward) == answer
    assert not names_any(["Rhythms and EMAIL_1"])


def test_a_word_that_looks_like_a_kept_one_is_only_a_word():
    typed = "EMAIL_dbbbbbbbbbbb"
    names = Names.of([f"{typed} and {JANE}"])
    kept = renamed(whole(f"{JANE} wrote to {typed}"), names.inward)

    assert "EMAIL_dbbbbbbbbbbb wrote to EMAIL_cbbbbbbbbbbb" == said(kept)
    assert f"{JANE} wrote to {typed}" == said(renamed(kept, names.outward))


WORDS = st.builds(
    lambda label, letters: f"{label}_{letters}",
    st.sampled_from(["EMAIL", "PHONE", "IP"]),
    st.text(alphabet=ALPHABET, min_size=LETTERS, max_size=LETTERS),
)
TEXTS = st.lists(st.one_of(WORDS, st.sampled_from([" ", "EMAIL_1", "x", "IP_", "_"])), max_size=6).map("".join)


@given(st.lists(TEXTS, min_size=1, max_size=3), st.lists(TEXTS, min_size=1, max_size=3))
def test_two_prompts_are_one_only_where_they_differ_in_words_alone(first, second):
    one, other = Names.of(first), Names.of(second)
    if one.canonical(first) != other.canonical(second):
        return
    swapped = {mine: yours for (_, mine), (_, yours) in zip(one.outward.items(), other.outward.items(), strict=True)}
    spots = one.canonical(first)[1]

    assert len(spots) == sum(len(Names.of([text]).inward) >= 1 and text.count(word) for text in first for word in one.inward)
    for text, twin in zip(first, second, strict=True):
        for mine, yours in swapped.items():
            text = text.replace(mine, f"\0{yours[::-1]}\0")  # noqa: PLW2901
        for yours in swapped.values():
            text = text.replace(f"\0{yours[::-1]}\0", yours)  # noqa: PLW2901
        assert twin == text


@given(st.lists(WORDS, max_size=5), st.lists(st.integers(0, 4), max_size=6))
def test_what_is_renamed_in_and_out_is_what_it_was(words, order):
    names = Names.of(words)
    text = " ".join(words[at] for at in order if at < len(words))

    assert text == said(renamed(renamed(whole(text), names.inward), names.outward)) if text else True


def test_a_call_that_hides_a_name_in_escapes_is_given_to_nobody():
    def calling(word):
        function = {"name": "f", "arguments": '{"to":"' + word + '"}'}
        delta = {"tool_calls": [{"index": 0, "id": "1", "type": "function", "function": function}]}
        raw = event({"choices": [{"index": 0, "delta": delta, "finish_reason": "tool_calls"}]}) + b"data: [DONE]\n\n"
        return dialect("openai").redecode(CHAT, True, raw)

    names = Names.of([JANE])

    assert renamed(calling(JANE), names.inward) is not None
    assert "cbbbbbbbbbbb" in said(renamed(calling(JANE.replace("_", r"\u005f")), names.inward))
    assert renamed(calling(JANE[:-1] + f"\\u{ord(JANE[-1]):04x}"), names.inward) is None
