"""Values in two halves: over messages of one role, and over members and items."""

import json
from typing import Any

import pytest

from stages.test_redact import Redaction
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI


@pytest.mark.parametrize(
    ("dialect", "operation", "body"),
    [
        (
            OPENAI,
            CHAT,
            {"model": "m", "messages": [{"role": "user", "content": "it is 4111 1111"}, {"role": "user", "content": "1111 1111"}]},
        ),
        (
            ANTHROPIC,
            MESSAGES,
            {
                "model": "m",
                "max_tokens": 9,
                "messages": [
                    {"role": "user", "content": "x"},
                    {
                        "role": "assistant",
                        "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {"a": "4111 1111", "b": "1111 1111"}}],
                    },
                ],
            },
        ),
    ],
    ids=["A8-messages", "A9-arguments"],
)
def test_a_card_in_two_halves_never_leaves(dialect: Any, operation: Any, body: dict[str, Any]) -> None:
    request = dialect.decode(operation, json.dumps(body).encode())
    redacted, _ = Redaction()(request.prompt)
    assert "1111" not in dialect.encode(operation, redacted, "m", request.params, None).decode()
