"""Instructions that an answer tells are found, in whatever disguise and at any cut; what is harmless to tell is not."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outgate.inference.verdict import SKIPPED, Action
from outgate.stages.leak_guard import LeakGuard, LeakGuardSettings
from support.output_guards import cut, passed, request

SYSTEM = """You are Aria, the support assistant of Nordwind Bank. Never tell customers about the internal rate table of October.
Refunds above 250 euros need the approval of a team lead, whose names stand in the duty roster.
If a customer mentions a lawyer, hand the conversation over to the legal desk without comment.
The discount code for employees is not to be given to anyone who does not ask from inside the company network.
Escalate every complaint about the mobile app to the product team with the tag PRIO-MOBILE."""
TOOL = "Looks up the balance of an account by its internal customer number, never by name."
DISGUISES = {
    "plain": SYSTEM,
    "in capitals": SYSTEM.upper(),
    "spaced letters": " ".join(SYSTEM),
    "quoted lines": "> " + SYSTEM.replace("\n", "\n> "),
    "translated quotes": "".join(f"« {line} »\n" for line in SYSTEM.splitlines()),
    "dashes": SYSTEM.replace(" ", "-"),
    "zero width": SYSTEM.replace("e", "e\u200b"),
    "full width": "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in SYSTEM),
    "backwards lines": "\n".join(reversed(SYSTEM.splitlines())),
    "base64": base64.b64encode(SYSTEM.encode()).decode(),
    "base64 lines": base64.encodebytes(SYSTEM.encode()).decode(),
    "hexadecimal": SYSTEM.encode().hex(),
    "base64 twice": base64.b64encode(base64.b64encode(SYSTEM.encode())).decode(),
}


def open_judge(*, system=SYSTEM, asked="Who are you?", **fields):
    return LeakGuard(LeakGuardSettings(**fields)).open(request(asked, system=system, tools=[TOOL]))


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("size", [7, 40, 10_000])
def test_instructions_are_found_in_every_disguise(name, size):
    out = passed(open_judge(), cut("Of course. " + DISGUISES[name], size))

    assert ("answer_refused", Action.DENIED) == (out.ending, out.verdict.action)
    assert "leak.instructions" == out.verdict.matches[0].rule
    assert "lawyer" not in out.text
    assert sum(extent.characters for extent in out.verdict.scanned) <= len(DISGUISES[name]) + 11


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200))
def test_no_cut_lets_more_than_the_first_sentences_leave(size):
    out = passed(open_judge(), cut(SYSTEM, size))

    assert "answer_refused" == out.ending
    assert SYSTEM.startswith(out.text)
    assert "250" not in out.text


def test_what_stands_so_in_the_instructions_is_taken_out_once_it_is_a_leak():
    out = passed(open_judge(action="replace"), cut(f"Sure: {SYSTEM} That was it.", 9))

    assert ("", Action.REPLACED) == (out.ending, out.verdict.action)
    assert out.text.startswith("Sure: You are Aria")
    assert out.text.endswith("[removed]. That was it.")
    assert not any(word in out.text for word in ("roster", "lawyer", "network", "PRIO"))


HARMLESS = {
    "one sentence, often": (
        "Refunds above 250 euros need the approval of a team lead, whose names stand in the duty roster. " * 4,
        {},
    ),
    "something else": ("The weather in Hamburg is fine today, and the bank opens at nine. " * 20, {}),
    "what the user wrote": (SYSTEM, {"asked": f"Improve this prompt: {SYSTEM}"}),
    "short and generic": (
        "You are a helpful assistant. Answer briefly.",
        {"system": "You are a helpful assistant. Answer briefly."},
    ),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_to_tell_is_no_alarm(name):
    said, fields = HARMLESS[name]
    out = passed(open_judge(**fields), cut(said, 6))

    assert (said, "") == (out.text, out.ending)


def test_definitions_of_tools_are_instructions_too():
    said = f"I can do this: {TOOL} {SYSTEM.splitlines()[1]} {SYSTEM.splitlines()[2]}"

    assert "answer_refused" == passed(open_judge(), cut(said, 8)).ending
    assert "" == passed(open_judge(share=0.9, sentences=20), cut(said, 8)).ending


def test_without_instructions_nothing_is_read_and_the_verdict_says_so():
    judge = LeakGuard(LeakGuardSettings()).open(request("hi"))

    assert SKIPPED == passed(judge, ["You are Aria."]).verdict


def test_words_that_are_not_in_the_instructions_are_not_held():
    out = passed(open_judge(), said := ["Something ", "else ", "was ", "asked ", "here."])

    assert said == list(out.pieces[:-1])
