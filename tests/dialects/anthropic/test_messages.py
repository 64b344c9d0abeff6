import orjson
import pytest

from outgate.dialects.registry import operation_for
from outgate.errors import WireError
from support.wire_bodies import ANTHROPIC, MESSAGES

USER = [{"role": "user", "content": "hi"}]


def decode(**extra):
    return ANTHROPIC.decode(MESSAGES, orjson.dumps({"model": "claude", "messages": USER, **extra}))


def test_params_are_read():
    params = decode(stream=True, max_tokens=7, temperature=0.5).params

    assert (True, 7, 1, 0.5) == (params.stream, params.max_tokens, params.n, params.temperature)


@pytest.mark.parametrize(
    "extra",
    [
        {"stream": 1},
        {"max_tokens": "5"},
        {"max_tokens": -1},
        {"temperature": []},
        {"model": 1},
        {"messages": {}},
        {"messages": [1]},
    ],
)
def test_parameters_of_a_wrong_type_are_refused(extra):
    with pytest.raises(WireError):
        decode(**extra)


@pytest.mark.parametrize(("extra", "expected"), [({}, 50), ({"max_tokens": 5}, 5)])
def test_model_and_maximum_of_the_gateway(extra, expected):
    request = decode(**extra)
    sent = orjson.loads(ANTHROPIC.encode(MESSAGES, request.prompt, "routed", request.params, 50))

    assert ("routed", expected) == (sent["model"], sent["max_tokens"])


def test_count_tokens_is_opaque_and_its_strings_are_shown():
    operation = operation_for("POST", "/v1/messages/count_tokens")
    request = ANTHROPIC.decode(operation, orjson.dumps({"model": "claude", "messages": USER}))

    assert {"opaque"} == request.prompt.unjudged
    assert ["hi"] == [leaf.text for leaf in request.prompt.leaves]
