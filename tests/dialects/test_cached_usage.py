"""Usage of a kept answer: all of its input is told as cached, in the member that each API has for it, whole and streamed."""

from typing import Any

import orjson
import pytest

from outgate.dialects.cached_usage import marked
from outgate.dialects.registry import SPECS, dialect, spec
from outgate.inference.operation import Kind, Operation
from outgate.inference.usage import merge_usage
from support.talks import DIALECTS

TOKENS = (9, 5)


def kept(name: str, *, stream: bool) -> bytes:
    talk = DIALECTS[name]
    asked = {**talk.ask("hi", stream), "stream_options": {"include_usage": True}}
    return b"".join(talk.events(asked, ["a", "b"], TOKENS)) if stream else orjson.dumps(talk.whole(asked, "ab", TOKENS))


def usage_in(name: str, body: bytes, *, stream: bool) -> Any:
    usage = None
    for event in dialect(name).redecode(Operation(name, Kind.CHAT), stream, body):
        usage = merge_usage(usage, event.usage)
    return usage


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DIALECTS)
def test_all_of_the_input_is_cached_and_totals_stay(name, stream):
    body = marked(kept(name, stream=stream), spec(name).cached_usage)
    usage = usage_in(name, body, stream=stream)

    assert (9, 9, 5) == (usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    assert not usage.cache_write_tokens


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", DIALECTS)
def test_nothing_else_changes_and_marking_twice_is_marking_once(name, stream):
    body = kept(name, stream=stream)
    mark = spec(name).cached_usage
    once = marked(body, mark)

    assert body == marked(body, lambda usage: usage)
    assert once == marked(once, mark)
    assert once != body


ANTHROPIC = spec("anthropic").cached_usage
OPENAI = spec("openai").cached_usage


def test_what_was_read_and_written_before_counts_as_read():
    usage = {
        "input_tokens": 3, "cache_read_input_tokens": 20, "cache_creation_input_tokens": 100, "output_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 60, "ephemeral_1h_input_tokens": 40}, "service_tier": "standard",
    }  # fmt: skip

    assert {
        "input_tokens": 0, "cache_read_input_tokens": 123, "cache_creation_input_tokens": 0, "output_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard",
    } == ANTHROPIC(usage)  # fmt: skip


@pytest.mark.parametrize("usage", [{"output_tokens": 5}, {"input_tokens": None, "output_tokens": 5}, {"input_tokens": "many"}])
def test_an_event_that_counts_no_input_stays(usage):
    assert usage == ANTHROPIC(usage)


def test_other_details_stay():
    details = {"cached_tokens": 2, "audio_tokens": 4, "cache_write_tokens": 3}
    usage = {"prompt_tokens": 9, "prompt_tokens_details": details, "completion_tokens": 1}

    assert {"cached_tokens": 9, "audio_tokens": 4, "cache_write_tokens": 0} == OPENAI(usage)["prompt_tokens_details"]


@pytest.mark.parametrize("usage", [{}, {"prompt_tokens": None}, {"prompt_tokens": -1}, {"prompt_tokens": True}])
def test_a_count_that_is_none_stays(usage):
    assert usage == OPENAI(usage)


def test_an_answer_that_speaks_of_usage_is_not_read():
    text = orjson.dumps({"choices": [{"message": {"content": '{"usage": {"prompt_tokens": 1}}'}}], "usage": None})

    assert text == marked(text, OPENAI)


def test_every_api_with_a_conversation_has_its_mark():
    without = {each.name for each in SPECS if each.cached_usage is dict}

    assert not without & set(DIALECTS)
