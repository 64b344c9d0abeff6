"""Words of the gateway in place of an answer, in the caller's dialect."""

from types import SimpleNamespace

import pytest

from outgate.dialects.registry import dialect
from outgate.errors import Denial, WireError
from outgate.exchange.replies import conclusion, reason_phrase
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params

FACTS = {"params": Params(include_usage=False), "model.requested": "fast", "started": 1.5}


def test_a_reason_phrase_is_one_bounded_line_of_printable_ascii():
    phrase = reason_phrase(Denial(code="x", status=403, message="No\r\nway: \x7fé" + "a" * 999), "req_1")

    assert phrase.startswith("outgate: no??way: ??a")
    assert phrase.endswith("a (req_1)")
    assert len(phrase) < 256


def words(operation, *, streams, part=None):
    return conclusion(SimpleNamespace(get=FACTS.get), operation, "req_1")("not that", part, streams)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_judges_words_are_a_whole_answer_of_the_dialect(name, streams):
    operation = Operation(name, Kind.CHAT)
    events = dialect(name).redecode(operation, streams, words(operation, streams=streams), False)

    assert "not that" in "".join(text.text for event in events for text in event.texts)
    assert events[-1].last


def test_usage_that_the_caller_did_not_ask_for_is_not_sent():
    assert b"usage" not in words(Operation("openai", Kind.CHAT), streams=True)


@pytest.mark.parametrize(("kind", "part"), [(Kind.EMBEDDINGS, None), (Kind.CHAT, ("choices", 0))])
def test_an_answer_that_is_not_in_words_or_has_begun_is_not_ended_in_words(kind, part):
    with pytest.raises(WireError):
        words(Operation("openai", kind), streams=True, part=part)
