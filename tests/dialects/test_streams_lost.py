"""Objects of a stream that cannot be read: what they held of an answer is lost, and nobody takes the rest for whole."""

import pytest

from outgate.dialects.registry import SPECS
from outgate.errors import WireError
from outgate.inference.operation import Kind, Operation
from support.talks import TALKS
from support.wire_bodies import Spoken

WORDS = ["Write to <EM", "AIL_1", "> now"]
EVERY = [(spec.name, template.line) for spec in SPECS for template in spec.paths if template.kind is Kind.CHAT]
every_dialect = pytest.mark.parametrize(("name", "line"), EVERY, ids=[name for name, _ in EVERY])
LOST = [b'data: {"a":\n\n', b"data: {}}\n\n", b'data: {"a":' + b"[" * 99 + b"]" * 99 + b"}\n\n", b" \ndata:  {nonsense\n\n"]


@every_dialect
@pytest.mark.parametrize("odd", LOST)
def test_an_object_that_cannot_be_read_ends_an_answer_that_is_not_whole(name, line, odd):
    """It may have held a piece of a text, or of the arguments of a call."""
    events = TALKS[name, line].events({"stream_options": {"include_usage": True}}, WORDS, (9, 5))
    spoken = max(at for at, event in enumerate(events) if b"now" in event and b"done" not in event)
    for at in range(len(events)):
        decoder = Spoken(name).answer(Operation(name, Kind.CHAT), True, True)
        told = decoder.feed(b"".join(events[:at]))
        if told and told[-1].last:
            continue
        try:
            rest = decoder.feed(odd) + decoder.feed(b"".join(events[at:])) + decoder.end()
        except WireError as error:
            assert "truncated" != error.code
        else:
            assert at > spoken, "a piece of the answer is missing"
            raw = b"".join(event.encode() for event in [*told, *rest])
            assert "".join(WORDS) == TALKS[name, line].heard(raw)
