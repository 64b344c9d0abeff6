"""Converter of the Responses API, to and from conversations."""

from outgate.dialects.responses.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.responses.convert_parts import annotations
from outgate.dialects.responses.convert_read import read_request
from outgate.dialects.responses.convert_stream_read import ResponsesReader
from outgate.dialects.responses.convert_stream_write import ResponsesWriter
from outgate.dialects.responses.convert_write import write_request
from outgate.dialects.shapes import Shape, Spare, Ways
from outgate.dialects.translation import Converter, Says

_ITEM: dict[str, Shape] = {
    "id": str,
    "call_id": str,
    "namespace": str,
    "encrypted_content": str,
    "summary": [Spare({"text": str})],
    "content": Ways({"annotations": [Spare()]}),
}
_TOLD: dict[str, Shape] = {"id": str, "model": str}

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    read_failure=read_failure,
    write_failure=write_failure,
    reader=ResponsesReader,
    writer=ResponsesWriter,
    says=Says(lambda citation: bool(annotations((citation,), "")), seals_of=lambda _: True, several=False),
    answer_shape={**_TOLD, "error": dict, "output": Ways(_ITEM)},
    event_shape={"response": Spare(_TOLD), "item": _ITEM, "annotation": dict},
    answers=("output", "status"),
)
