"""Phrases hidden from `output_phrases`: in odd arguments, in token probabilities, over parts, in what hosted tools say."""

import json
from typing import Any

import pytest

from outgate.dialects.registry import dialect
from outgate.exchange.judging import CutError
from outgate.inference.operation import Kind, Operation
from outgate.inference.stream import Event, EventStream
from outgate.stages.output_phrases import OutputPhrases, OutputPhrasesSettings, Reads
from support.judging import through
from support.sse import compact, event, named

CHAT, RESPONSES, ANTHROPIC = (Operation(name, Kind.CHAT) for name in ("openai", "responses", "anthropic"))
PHRASE = "project nightingale"


def judge(**fields):
    fields = {"phrases": [PHRASE], "action": "replace"} | fields
    return OutputPhrases(OutputPhrasesSettings(**fields)).open(Reads(EventStream.of([])))


def events(operation: Operation, raw: bytes) -> list[Event]:
    decoder = dialect(operation.dialect).answer(operation, not raw.startswith(b"{"), True)
    return [*decoder.feed(raw), *decoder.end()]


def sent(operation: Operation, raw: bytes, **fields: Any) -> bytes:
    return b"".join(one.encode() for one in through(judge(**fields), events(operation, raw)))


def chat(*choices: dict[str, Any]) -> bytes:
    return compact({"id": "x", "choices": [{"index": index, **choice} for index, choice in enumerate(choices)]})


def completion(message: dict[str, Any], **fields: Any) -> bytes:
    return chat({"message": {"role": "assistant", **message}, "finish_reason": "stop", **fields})


def response(*items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"id": "r", "object": "response", "status": "completed", "model": "m", "output": list(items), **fields}


def stream(*told: dict[str, Any]) -> bytes:
    ended = {"type": "response.completed", "response": response()}
    return b"".join(named(one["type"], {name: one[name] for name in one if name != "type"}) for one in (*told, ended))


ARGUMENTS = {
    "cut": '{"q": "\\u0070roject nightingale", "x": "',
    "duplicate": '{"q": "\\u0070roject nightingale", "x": 1, "x": 2}',
    "nan": '{"q": "\\u0070roject nightingale", "x": NaN}',
    "string": '"\\u0070roject nightingale"',
    "big": '{"q": "\\u0070roject nightingale", "x": 1e999}',
    "lone": '{"q": "\\u0070roject nightingale", "x": "\\ud800"}',
}


@pytest.mark.parametrize("odd", ARGUMENTS.values(), ids=ARGUMENTS)
def test_escapes_in_arguments_that_are_not_strict_json(odd):
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": odd}}
    item = {"type": "function_call", "id": "f", "name": "f", "arguments": odd}
    answers = [
        (CHAT, completion({"content": None, "tool_calls": [call]})),
        (CHAT, completion({"content": None, "function_call": {"name": "f", "arguments": odd}})),
        (RESPONSES, compact(response(item))),
    ]
    for operation, raw in answers:
        assert b"roject nightingale" not in sent(operation, raw)
        with pytest.raises(CutError):
            sent(operation, raw, action="deny")


def test_an_argument_of_the_name_arguments_is_no_piece_of_json():
    given = json.dumps({"arguments": r"C:\network", "path": r"C:\nest"})
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": given}}
    raw = completion({"content": None, "tool_calls": [call]})

    assert sent(CHAT, raw, phrases=[r"c:\network"]) != raw
    assert not any(text.escaped for text in events(CHAT, raw)[0].texts)


def token(text: str, *others: str) -> dict[str, Any]:
    return {"token": text, "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": other} for other in others]}


TOKENS = {
    "alone": [token("It is project"), token(" nightingale")],
    "the same first": [token("It is project", "It is project", "zz"), token(" nightingale", " nightingale", "zz")],
}


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("tokens", TOKENS.values(), ids=TOKENS)
def test_token_probabilities_repeat_the_phrase(tokens, words):
    said = "It is project nightingale"
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": tokens}
    item = {"type": "message", "id": "m", "role": "assistant", "content": [part]}
    whole = json.loads(sent(CHAT, completion({"content": said}, logprobs={"content": tokens}), whole_words=words))
    other = json.loads(sent(RESPONSES, compact(response(item)), whole_words=words))

    for told in (whole["choices"][0]["logprobs"]["content"], other["output"][0]["content"][0]["logprobs"]):
        assert "It is [removed]" == "".join(one["token"] for one in told)
        assert PHRASE not in "".join(one["token"] for each in told for one in each["top_logprobs"][:1])


def test_a_word_cut_by_tokens():
    tokens = [token("the word is"), token(" a"), token("b")]
    raw = completion({"content": "the word is ab"}, logprobs={"content": tokens})
    told = json.loads(sent(CHAT, raw, phrases=["ab"], whole_words=True))["choices"][0]["logprobs"]["content"]

    assert "the word is [removed]" == "".join(one["token"] for one in told)


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("order", [("text", "citations"), ("citations", "text")])
def test_citations_between_two_blocks(order, words):
    cited = {"text": "It is project ", "citations": [{"type": "char_location", "cited_text": "zz", "document_title": "d"}]}
    blocks = [{"type": "text", **{name: cited[name] for name in order}}, {"type": "text", "text": "nightingale"}]
    raw = compact({"id": "m", "type": "message", "content": blocks, "stop_reason": "end_turn"})

    assert PHRASE not in "".join(one["text"] for one in json.loads(sent(ANTHROPIC, raw, whole_words=words))["content"])


def test_a_word_that_a_block_begins_with_is_found_behind_another():
    blocks = [{"type": "text", "text": text} for text in ("cat", "ab", "abc")]
    raw = compact({"id": "m", "type": "message", "content": blocks, "stop_reason": "end_turn"})
    told = json.loads(sent(ANTHROPIC, raw, phrases=["ab"], whole_words=True))["content"]

    assert ["cat", "[removed]", "abc"] == [one["text"] for one in told]


def test_choices_are_not_joined():
    said = [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"} for text in ("a project ", "nightingale")]
    raw = chat(*said)

    assert raw == sent(CHAT, raw)


def test_repetitions_are_not_joined():
    at = {"item_id": "m", "output_index": 0, "content_index": 0}
    text = "Nightingale is our project "
    part = {"type": "output_text", "text": text, "annotations": []}
    raw = stream(
        {"type": "response.output_text.delta", **at, "delta": "Nightingale is "},
        {"type": "response.output_text.delta", **at, "delta": "our project "},
        {"type": "response.output_text.done", **at, "text": text},
        {"type": "response.content_part.done", **at, "part": part},
    )

    assert b"[removed]" not in sent(RESPONSES, raw)


def test_chunks_of_choices_that_alternate():
    pieces = [[{"index": index, "delta": {"content": text}} for index in (1, 0)] for text in ("project", " nightingale")]
    ends = [{"index": index, "delta": {}, "finish_reason": "stop"} for index in (0, 1)]
    raw = b"".join(event({"id": "x", "choices": choices}) for choices in (*pieces, ends)) + b"data: [DONE]\n\n"

    assert 2 == sent(CHAT, raw).count(b"[removed]")


HOSTED: dict[str, dict[str, Any]] = {
    "code": {"type": "code_interpreter_call", "id": "c", "code": "print(x)", "outputs": [{"type": "logs", "logs": PHRASE}]},
    "mcp": {"type": "mcp_call", "id": "m", "name": "f", "server_label": "s", "arguments": "{}", "output": PHRASE},
    "files": {"type": "file_search_call", "id": "m", "queries": ["q"], "results": [{"text": PHRASE}]},
    "shell": {"type": "shell_call_output", "id": "s", "output": [{"stdout": PHRASE}]},
    "tools": {"type": "mcp_list_tools", "id": "l", "tools": [{"name": "t", "description": PHRASE}]},
}


@pytest.mark.parametrize("item", HOSTED.values(), ids=HOSTED)
def test_what_a_hosted_tool_says(item):
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}

    for raw in (compact(response(item)), stream(done)):
        assert PHRASE.encode() not in sent(RESPONSES, raw)
    assert PHRASE.encode() in sent(RESPONSES, compact(response(item)), channels=["assistant"])


def test_what_a_hosted_shell_prints():
    raw = stream({"type": "response.shell_call_output_content.delta", "output_index": 0, "delta": {"stdout": PHRASE}})

    assert PHRASE.encode() not in sent(RESPONSES, raw)


@pytest.mark.parametrize("kind", ["function_call", "mcp_call", "mcp_approval_request", "tool_search_call", "a_new_kind"])
def test_escapes_in_arguments_of_every_kind_of_item(kind):
    item = {"type": kind, "id": "f", "name": "f", "arguments": '{"q": "\\u0070roject nightingale"}'}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}

    for raw in (compact(response(item)), stream(done)):
        assert b"nightingale" not in sent(RESPONSES, raw)


def test_a_list_is_continued():
    raw = stream({"type": "response.x.delta", "output_index": 0, "delta": ["a", "project"]})

    assert b'"delta":["project"]' in sent(RESPONSES, raw)


def test_a_continuation_holds_no_other_text():
    chunk = {"id": "x", "note": PHRASE, "choices": [{"index": 0, "type": PHRASE, "delta": {"content": "It is project"}}]}
    end = {"id": "x", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    delta = {"item_id": "m", "output_index": 0, "content_index": 0, "delta": "It is project", "note": PHRASE}

    assert PHRASE.encode() not in sent(CHAT, event(chunk) + event(end) + b"data: [DONE]\n\n")
    assert PHRASE.encode() not in sent(RESPONSES, stream({"type": "response.output_text.delta", **delta}))


def test_a_continued_alternative_has_the_shape_of_a_token():
    chunk = {"index": 0, "delta": {"content": "x"}, "logprobs": {"content": [token("x", "project")]}}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    raw = b"".join(event({"id": "x", "choices": [choice]}) for choice in (chunk, end)) + b"data: [DONE]\n\n"
    continued = next(line for line in sent(CHAT, raw).splitlines() if b'"project"' in line)

    (told,) = json.loads(continued[6:])["choices"][0]["logprobs"]["content"]
    assert ("", [{"token": "project"}]) == (told["token"], [{"token": one["token"]} for one in told["top_logprobs"]])
