"""A whole answer, told as a stream, is the same answer to each client's SDK."""

import orjson
import pytest

from outgate.dialects.answer_forms import answer_in
from outgate.dialects.answer_items import items
from outgate.dialects.registry import conversations, dialect, operation_for
from outgate.inference.conversation import (
    Alternative,
    Answer,
    Begun,
    Call,
    Conversation,
    Counted,
    Finished,
    Over,
    PartBegun,
    PartEnded,
    Piece,
    Sealed,
    Spent,
    Text,
    Thought,
)
from outgate.inference.stream import Finish
from support.openai_answers import chat_completion
from support.talks import DIALECTS

ANSWER = Answer(
    "a", "m", (Alternative((Thought("hm", "sig"), Text("so"), Call("c", "read", "{}")), Finish.TOOL_CALLS),), Spent(3, 4)
)


def test_items_come_as_a_stream_would_tell_them():
    assert [
        Begun("a", "m"),
        PartBegun(0, Thought("")), Piece(0, "hm"), Sealed(0, "sig"), PartEnded(0),
        PartBegun(1, Text("")), Piece(1, "so"), PartEnded(1),
        PartBegun(2, Call("c", "read", "")), Piece(2, "{}"), PartEnded(2),
        Finished(Finish.TOOL_CALLS), Counted(Spent(3, 4)), Over(),
    ] == list(items(ANSWER))  # fmt: skip


@pytest.mark.parametrize("client", [name for name in conversations() if name != "openai"])
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_a_server_that_was_asked_for_a_stream_and_sends_json(client, cut):
    talk = DIALECTS[client]
    operation = operation_for("POST", talk.target(True).partition("?")[0])
    asked = Conversation((), (), stream=True)
    reading = answer_in(operation, "openai", asked, dialect(client).answer(operation, True, True, 200), stream=True, status=200)
    raw = orjson.dumps(chat_completion("hello there"))

    events = [event for at in range(0, len(raw), cut) for event in reading.feed(raw[at : at + cut])]
    told = b"".join(event.encode() for event in [*events, *reading.end()])

    assert "hello there" == talk.heard(told)
    assert talk.end in told.decode()
