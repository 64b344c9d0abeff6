"""Tool calls in Gemini's answers that are told in unusual ways: none passes unseen."""

import json

import pytest

from outgate.dialects.registry import dialect, operation_for, spec
from outgate.inference.calls import CallKind
from support import gemini_answers as g
from support.told_calls import WORDS, Decider, answered

CALLS = [
    ({"functionCall": {"name": "reset", "args": {}}}, "reset", CallKind.FUNCTION, ""),
    ({"function_call": {"name": "reset", "args": {}}}, "reset", CallKind.FUNCTION, ""),
    ({"text": "Hm.", "functionCall": {"name": "reset"}}, "reset", CallKind.FUNCTION, ""),
    ({"functionCall": {"name": "read", "args": "x"}}, "read", CallKind.FUNCTION, "arguments"),
    ({"functionCall": {"name": "read", "partialArgs": [{"jsonPath": "$.a"}]}}, "read", CallKind.FUNCTION, "arguments"),
    ({"functionCall": ["read"]}, "", CallKind.FUNCTION, "call"),
    ({"executableCode": {"language": "PYTHON", "code": "1"}}, "code_execution", CallKind.HOSTED, ""),
    ({"novelCall": {"x": 1}}, "novelCall", CallKind.HOSTED, ""),
]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("part", "name", "kind", "fault"), CALLS)
def test_attack_a_call_in_disguise(part, name, kind, fault, stream):
    decide = Decider(lambda _: True)
    raw = g.stream(g.chunk(part), g.last()) if stream else json.dumps(g.content(part)).encode()
    out = answered("gemini", raw, decide, stream=stream)

    assert (name, kind, fault) == (decide.shown[0].name, decide.shown[0].kind, decide.shown[0].fault)
    assert WORDS.encode() in out
    assert next(iter(part)).encode() not in out or "text" in part


def test_the_result_of_refused_code_goes_with_it():
    parts = {"executableCode": {"code": "1"}}, {"codeExecutionResult": {"output": "canary"}}
    out = answered("gemini", g.stream(*map(g.chunk, parts), g.last()), Decider(lambda _: True))

    assert b"canary" not in out


def test_attack_a_call_in_a_stream_as_an_array():
    operation = operation_for("POST", "/v1beta/models/m:streamGenerateContent")
    events = dialect("gemini").redecode(operation, False, json.dumps(g.content(g.call("reset", {}))).encode())
    out = b"".join(each.encode() for event in events for each in spec("gemini").calls(Decider()).feed(event))

    assert (True, False) == (WORDS.encode() in out, b"reset" in out)
    assert isinstance(json.loads(out), list)
