"""Words of the gateway in place of an answer, in the caller's dialect."""

from types import SimpleNamespace

import pytest

from outgate.dialects.registry import dialect
from outgate.errors import Denial, WireError
from outgate.exchange.replies import as_sent, conclusion, denial_reply, reason_phrase
from outgate.inference.operation import Kind, Operation
from outgate.inference.params import Params

FACTS = {"params": Params(include_usage=False), "model.requested": "fast", "started": 1.5}


def test_a_reason_phrase_is_one_bounded_line_of_printable_ascii():
    phrase = reason_phrase(Denial(code="x", status=403, message="No\r\nway: \x7fé" + "a" * 999), "req_1")

    assert phrase.startswith("outgate: no??way: ??a")
    assert phrase.endswith("a (req_1)")
    assert len(phrase) < 256


def head(code, status, dialect_name="anthropic", **more):
    """Status and fields of a refusal."""
    begin, *_ = denial_reply(Denial(code=code, status=status, message="No.", **more), dialect_name, "req_1")
    return begin.status, dict(begin.headers)


@pytest.mark.parametrize(
    ("code", "usual", "here"),
    [
        ("not_authorized", 403, {"openai": 403, "anthropic": 400, "responses": 400, "none": 403, "gemini": 403}),
        ("model_not_found", 404, {"openai": 404, "anthropic": 404, "responses": 400}),
        ("authentication_required", 401, {"openai": 401, "anthropic": 401, "responses": 400}),
        ("stage_timeout", 503, {"openai": 503, "anthropic": 503, "responses": 400}),
        ("bodies_full", 503, {"openai": 503, "anthropic": 503, "responses": 429}),
        ("budget_exhausted", 429, {"openai": 429, "anthropic": 429, "responses": 429}),
        ("upstream_reset_before_head", 502, {"openai": 502, "anthropic": 502, "responses": 502}),
    ],
)
def test_a_refusal_has_the_status_that_the_agents_of_its_api_read_rightly(code, usual, here):
    for name, status in here.items():
        assert status == head(code, usual, name)[0]
        sent = as_sent(Denial(code=code, status=usual, message="No."), name)
        assert as_sent(sent, name) is sent


def test_a_long_wait_is_told_to_codex_in_a_status_whose_sentence_it_shows():
    assert 400 == head("budget_exhausted", 429, "responses", retry_after=6.0)[0]
    assert 429 == head("budget_exhausted", 429, "responses", retry_after=1.0)[0]
    assert 429 == head("budget_exhausted", 429, "openai", retry_after=6.0)[0]
    assert 400 == head("bodies_full", 503, "responses", retry_after=6.0)[0]
    late = Denial(code="budget_exhausted", status=429, message="No.", retry_after=6.0)
    sent = as_sent(late, "responses")
    assert as_sent(sent, "responses") is sent


def test_sdks_are_told_not_to_ask_again_what_seconds_do_not_mend():
    assert "false" == head("stage_timeout", 503)[1]["x-should-retry"]
    assert "false" == head("authentication_required", 401)[1]["x-should-retry"]
    assert "false" == head("budget_exhausted", 429, retry_after=6.0)[1]["x-should-retry"]
    assert "x-should-retry" not in head("bodies_full", 503, retry_after=1.0)[1]
    assert "x-should-retry" not in head("upstream_timed_out", 504)[1]


def words(operation, *, streams):
    return conclusion(SimpleNamespace(get=FACTS.get), operation, "req_1")("not that", streams)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_judges_words_are_a_whole_answer_of_the_dialect(name, streams):
    operation = Operation(name, Kind.CHAT)
    events = dialect(name).redecode(operation, streams, words(operation, streams=streams), False)

    assert "not that" in "".join(text.text for event in events for text in event.texts)
    assert events[-1].last


def test_usage_that_the_caller_did_not_ask_for_is_not_sent():
    assert b"usage" not in words(Operation("openai", Kind.CHAT), streams=True)


def test_an_answer_that_is_not_in_words_is_not_ended_in_words():
    with pytest.raises(WireError):
        words(Operation("openai", Kind.EMBEDDINGS), streams=True)
