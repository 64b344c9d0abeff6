"""Converter of the Anthropic API: messages, from and to conversations in no dialect."""

from outgate.dialects.anthropic.convert_answer import citations_of, read_answer, read_failure, write_answer, write_failure
from outgate.dialects.anthropic.convert_blocks import NAME
from outgate.dialects.anthropic.convert_events import MessageWriter
from outgate.dialects.anthropic.convert_read import read_request
from outgate.dialects.anthropic.convert_stream import MessageReader
from outgate.dialects.anthropic.convert_write import write_request
from outgate.dialects.shapes import Shape, Spare, Ways
from outgate.dialects.translation import Converter, Says

_BLOCK: dict[str, Shape] = {"citations": [Spare()], "thinking": str, "signature": str, "id": str}
_TOLD: dict[str, Shape] = {"id": str, "model": str, "usage": dict}
_ENDED: dict[str, Shape] = {"stop_reason": str, "stop_sequence": str, "stop_details": Spare({"explanation": str})}
_DELTA: dict[str, Shape] = {"thinking": str, "signature": str, "citation": dict}

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=lambda answer, _: write_answer(answer),
    read_failure=read_failure,
    write_failure=write_failure,
    reader=MessageReader,
    writer=lambda _: MessageWriter(),
    says=Says(lambda citation: bool(citations_of((citation,))), seals_of=lambda provider: provider == NAME, several=False),
    answer_shape={**_TOLD, **_ENDED, "content": Ways(_BLOCK)},
    event_shape={"message": Spare(_TOLD), "content_block": _BLOCK, "delta": {**_DELTA, **_ENDED}, "usage": dict},
    answers=("content", "stop_reason", "role"),
)
