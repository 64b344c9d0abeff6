"""The place of a leaf: the tool result that it is part of, and what is told of it to who sent it."""

import orjson
import pytest

from outgate.dialects.places import described, whole
from outgate.inference.prompt import Prompt
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI, RESPONSE, RESPONSES

CALL = {"type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "HERE"}]}


def place(read: Prompt) -> tuple[str, tuple[int, str | int] | None]:
    leaf = next(leaf for leaf in read.leaves if "HERE" in leaf.text)
    return described(read.document, leaf.box, leaf.key), whole(read.document, leaf)


def anthropic(*content, **more):
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": list(content)}], **more}
    return ANTHROPIC.decode(MESSAGES, orjson.dumps(body)).prompt


def chat(*messages, **more):
    return OPENAI.decode(CHAT, orjson.dumps({"model": "m", "messages": list(messages), **more})).prompt


def responses(*items, **more):
    return RESPONSES.decode(RESPONSE, orjson.dumps({"model": "m", "input": list(items), **more})).prompt


OUTPUT = {"type": "function_call_output", "call_id": "c"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
HI = {"role": "user", "content": "hi"}


@pytest.mark.parametrize(
    ("given", "told", "in_result"),
    [
        (anthropic(CALL), "messages[0].content[0].content[0].text (tool_result toolu_1)", True),
        (anthropic({"type": "text", "text": "HERE"}), "messages[0].content[0].text (user)", False),
        (anthropic({"type": "text", "text": "hi"}, system="HERE"), "system", False),
        (chat(HI, {"role": "tool", "tool_call_id": "call_1", "content": "HERE"}), "messages[1].content (tool call_1)", True),
        (chat(HI, {"role": "tool", "tool_call_id": "HERE", "content": "hi"}), "messages[1].tool_call_id (tool HERE)", False),
        (chat(HI, {"role": "tool", "tool_call_id": "c", "content": "hi", "HERE": 1}), "messages[1] (tool c)", False),
        (chat(HI, {"role": "tool", "tool_call_id": "a b", "content": "HERE"}), "messages[1].content (tool)", True),
        (chat(HI, {"role": "user", "content": "hi", "own": "HERE"}), "messages[1] (user)", False),
        (responses({**OUTPUT, "output": "HERE"}), "input[0].output (function_call_output c)", True),
        (chat(HI, {"role": "someone", "content": "HERE"}), "messages[1]", False),
        (responses(HI, instructions="HERE"), "instructions", False),
    ],
)  # fmt: skip
def test_a_place_is_told_without_a_word_of_the_prompt(given, told, in_result):
    where, result = place(given)

    assert told == where
    assert in_result == (result is not None)


def test_what_is_deeper_in_a_result_is_part_of_it():
    block = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "HERE"}, "own": {"x": "y"}}
    read = anthropic({**CALL, "content": [{"type": "text", "text": "a"}, block]})
    inside = {whole(read.document, leaf) for leaf in read.leaves if leaf.text in {"a", "HERE", "own", "x", "y"}}

    assert 1 == len(inside) and None not in inside


def test_a_body_that_is_no_json_has_no_places():
    class Raw:
        def encode(self, edits):
            raise NotImplementedError

    read = chat(HI)
    assert ("", None) == (described(Raw(), 0, "a"), whole(Raw(), read.leaves[0]))


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        (chat(HI, {"role": "user", "content": [{"type": "text", "text": "a"}, IMAGE]}), "image", "messages[1].content[1] (user)"),
        (chat(HI, tools=[{"type": "web_search"}]), "hosted_tool", "tools[0]"),
        (responses(HI, tools=[{"type": "function", "name": "f"}, {"type": "mcp", "server_url": "x"}]), "hosted_tool", "tools[1]"),
        (anthropic({"type": "text", "text": "a"}, mcp_servers=[{"url": "https://x"}]), "hosted_tool", "mcp_servers"),
    ],
)
def test_the_first_part_that_nobody_reads_has_a_place(given, kind, told):
    assert told == described(given.document, *given.places[kind])
