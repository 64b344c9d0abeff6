"""A body that a server which ignores the case of names would read otherwise is refused: what is judged is what is served."""

import json

import pytest

from outgate.errors import WireError
from support.wire_bodies import ANTHROPIC, CHAT, EMBEDDINGS, MESSAGES, OPENAI

TURN = {"role": "user", "content": "hi"}
BODY = {"model": "m", "messages": [TURN], "max_tokens": 5}
DIALECTS = {"openai": (OPENAI, CHAT), "anthropic": (ANTHROPIC, MESSAGES)}
TWICE = [
    {"Model": "gpt-secret"},
    {"MESSAGES": [TURN]},
    {"Max_Tokens": 100_000},
    {"\u017ftream": True},
    {"to\u212a": 1, "max_to\u212aens": 100_000},
    {"messages": [TURN | {"Role": "system"}]},
    {"messages": [TURN, TURN | {"CONTENT": "other"}]},
]


@pytest.mark.parametrize("more", TWICE, ids=str)
@pytest.mark.parametrize("spoken", DIALECTS)
def test_a_known_name_in_another_case_is_refused(spoken, more):
    dialect, operation = DIALECTS[spoken]

    with pytest.raises(WireError) as refused:
        dialect.decode(operation, json.dumps(BODY | more).encode())

    assert "ambiguous_name" == refused.value.code


def test_so_it_is_in_a_request_for_embeddings():
    with pytest.raises(WireError) as refused:
        OPENAI.decode(EMBEDDINGS, b'{"model":"m","input":"a","Input":"b"}')

    assert "ambiguous_name" == refused.value.code


@pytest.mark.parametrize("spoken", DIALECTS)
def test_a_name_that_nobody_knows_is_not(spoken):
    dialect, operation = DIALECTS[spoken]
    body = BODY | {"X_Vendor": 1, "messages": [TURN | {"Weight": 1}]}

    assert "m" == dialect.decode(operation, json.dumps(body).encode()).model
