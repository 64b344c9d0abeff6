"""Members that refer to something kept at a provider are named, wherever the provider reads them."""

import pytest

from outgate.dialects.json_body import dump
from support.wire_bodies import ANTHROPIC, CHAT, MESSAGES, OPENAI


@pytest.mark.parametrize(
    ("extra", "state"),
    [
        ({"store": True}, ()),
        ({"store": False, "previous_response_id": None}, ()),
        ({"previous_response_id": "resp_1"}, ("previous_response_id",)),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}]}, ("file_id",)),
        ({"messages": [{"role": "assistant", "audio": {"id": "audio_1"}}]}, ("id",)),
        ({"metadata": {"store": "shop", "file_id": "x"}}, ()),
    ],
)
def test_openai_server_state(extra, state):
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **extra}

    assert state == OPENAI.decode(CHAT, dump(body)).params.server_state


@pytest.mark.parametrize(
    ("extra", "state"),
    [
        ({"container": "c1"}, ("container",)),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "f"}}]}]},
            ("file_id",),
        ),
        ({"messages": [{"role": "user", "content": [{"type": "container_upload", "file_id": "f"}]}]}, ("file_id",)),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "i", "name": "n", "input": {"file_id": "f"}}]}
                ]
            },
            (),
        ),
    ],
)
def test_anthropic_server_state(extra, state):
    body = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}], **extra}

    assert state == ANTHROPIC.decode(MESSAGES, dump(body)).params.server_state
