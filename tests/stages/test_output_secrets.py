"""Secrets of the model's own are found in an answer, at any cut; what the caller sent is none, and nothing unjudged leaves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.secrets.written import B64
from outgate.inference.prompt import Channel
from outgate.inference.verdict import Action, Extent
from outgate.stages.output_secrets import OutputSecrets, OutputSecretsSettings
from outgate.stores.memo import Memo
from outgate.testing.ports import LocalModels
from support.output_guards import Broken, cut, passed, request

TOKEN = "ghp_Zk3vQ9xT7mRw2LpN8cYs5HdB1fGjV6aU4eXo"
SAID = f"Use {TOKEN} for it, and postgres://ann:kV7uQz29xWm@db.corp.net for the rest. In 2024 we had 3 cats."
GONE = "Use [removed] for it, and postgres://ann:[removed]@db.corp.net for the rest. In 2024 we had 3 cats."
LINES = "\n".join("".join(B64[(at * 37 + line * 11 + at * at) % 64] for at in range(64)) for line in range(26))
BLOCK = f"-----BEGIN RSA PRIVATE KEY-----\n{LINES}\n-----END RSA PRIVATE KEY-----"


def guard(models=None, **fields):
    return OutputSecrets(OutputSecretsSettings(**fields), models or LocalModels(), Memo(bytes(32)))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 120))
def test_no_cut_of_an_answer_changes_what_is_found(size):
    out = passed(guard(action="replace").open(request("hi")), cut(SAID, size))

    assert GONE == out.text
    assert {"api_key", "password"} == {match.rule.partition(".")[0] for match in out.verdict.matches}
    assert (Extent("assistant", 1, len(SAID)),) == out.verdict.scanned


@pytest.mark.parametrize("action", ["deny", "answer"])
@pytest.mark.parametrize("size", [1, 7, 400])
def test_nothing_of_a_secret_leaves_before_the_answer_ends(action, size):
    out = passed(guard(action=action).open(request("hi")), cut(SAID, size))

    assert "Use ".startswith(out.text)
    assert ("answer_refused" if action == "deny" else "I can't help with that.") == out.ending


@pytest.mark.parametrize("size", [1, 4, 30])
def test_an_attack_with_spaced_hexadecimal_in_pieces_leaves_nothing(size):
    said = TOKEN.encode().hex(" ")
    out = passed(guard(action="replace").open(request("hi")), cut(f"Use {said} for it.", size))

    assert "Use [removed] for it." == out.text


@pytest.mark.parametrize("size", [3, 50, 4000])
def test_a_block_longer_than_what_is_held_back_never_leaves(size):
    out = passed(guard(action="replace").open(request("hi")), cut(f"Here: {BLOCK}\nKeep it.", size))

    assert "Here: [removed]\nKeep it." == out.text
    assert ["private_key.pem"] == [match.rule for match in out.verdict.matches]


def test_a_secret_of_the_request_is_no_alarm():
    out = passed(guard(action="replace").open(request(f"why does {TOKEN} fail")), cut(SAID, 6))

    assert SAID.replace("kV7uQz29xWm", "[removed]") == out.text


def test_placeholders_are_no_alarms():
    out = passed(guard().open(request("hi")), ["Set token: <APIKEY_qcwh", "vmmkxtgh>, password is <PASSWORD_bcdfghjkmnpq>."])

    assert (Action.ALLOWED, "") == (out.verdict.action, out.ending)


def test_arguments_of_a_tool_call_are_judged_behind_their_escapes():
    said = '{"command": "curl -H \\"X-Token: ' + "".join(f"\\u{ord(one):04x}" for one in TOKEN) + '\\""}'
    out = passed(guard().open(request("hi")), cut(said, 5), part=("arguments",), channel=Channel.TOOL_ARGUMENTS)

    assert "answer_refused" == out.ending


def test_words_are_held_for_one_event_at_most():
    said = ["Nothing", " here", " is", " secret", ", not", " at", " all", "."]
    out = passed(guard().open(request("hi")), said)

    assert "".join(said) == out.text
    for number in range(1, len(said)):
        assert "".join(out.pieces[:number]).startswith("".join(said[: number - 1]))


@pytest.mark.parametrize(("hangs", "ending"), [(False, "stage_failed"), (True, "stage_timeout")])
def test_a_model_server_that_does_not_answer_ends_the_answer_before_the_secret(hangs, ending):
    out = passed(guard(Broken(hangs=hangs)).open(request("hi")), cut(SAID, 5), limit=0.02)

    assert (ending, Action.FAILED) == (out.ending, out.verdict.action)
    assert "Use ".startswith(out.text)


def test_only_the_kinds_that_are_named_are_looked_for():
    out = passed(guard(kinds=["private_key"]).open(request("hi")), cut(SAID, 5))

    assert (SAID, Action.ALLOWED) == (out.text, out.verdict.action)
