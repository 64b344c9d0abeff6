"""Attacks on counting: large requests that would count as small ones."""

import json
from base64 import b64encode
from random import Random
from struct import pack

import pytest

from outgate.dialects.registry import spec
from outgate.inference.operation import Kind, Operation
from outgate.stores.memo import Memo
from outgate.tokens.images import most, unjudged_tokens
from outgate.tokens.tokenizers import Tokenizers
from support.wire_bodies import Spoken

SAID = [{"role": "user", "content": "hi"}]
HUGE = "word " * 1_000
TINY = b64encode(b"\x89PNG\r\n\x1a\n" + pack(">I", 13) + b"IHDR" + pack(">II", 1, 1) + bytes(64)).decode()


class Characters:
    def count(self, texts):
        return [len(text) for text in texts]


def counted(**body):
    operation = Operation("openai", Kind.CHAT)
    request = Spoken("openai").decode(operation, json.dumps({"model": "gpt-4o", "messages": SAID, **body}).encode())
    tokenizers = Tokenizers(Memo(bytes(32)), Random(7), load=lambda _: Characters(), spawn=lambda task: task())
    return tokenizers.count(request.prompt, request.tools, request.params, "gpt-4o", operation, "t")


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "function", "function": {"description": HUGE}}]},
        {"functions": [{"description": HUGE}]},
        {"documents": [{"text": HUGE}]},
        {"chat_template": HUGE},
        {"guided_json": {"description": HUGE}},
        {"prediction": {"type": "content", "content": HUGE}},
    ],
    ids=lambda body: next(iter(body)),
)
def test_text_outside_the_messages_is_counted(body):
    assert counted(**body) >= len(HUGE)


@pytest.mark.parametrize("decoy", [{"data": TINY}, {"url": f"data:image/png;base64,{TINY}"}], ids=["data", "url"])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5"])
def test_small_files_elsewhere_do_not_make_linked_images_cheap(decoy, model):
    links = [{"type": "image_url", "image_url": {"url": f"https://images.test/{i}.png"}} for i in range(9)]
    body = json.dumps({"messages": [{"role": "user", "content": links}], "metadata": [decoy] * 9}, separators=(",", ":"))

    assert 9 * most(model) == unjudged_tokens(
        frozenset({"image"}), lambda: (body.encode(), len(body)), model, spec("openai").images
    )
