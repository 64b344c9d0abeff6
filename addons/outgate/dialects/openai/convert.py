"""The converter of chat completions."""

from outgate.dialects.citations import quoted
from outgate.dialects.openai.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.openai.convert_read import read_request
from outgate.dialects.openai.convert_stream import ChatReader, ChatWriter
from outgate.dialects.openai.convert_write import write_request
from outgate.dialects.shapes import Shape, Spare, Ways
from outgate.dialects.translation import Converter, Says

_SAID: dict[str, Shape] = {
    "annotations": [Spare()],
    "reasoning_content": str,
    "reasoning": str,
    "refusal": str,
    "function_call": dict,
    "tool_calls": Ways({"id": str}),
}
_TOLD: dict[str, Shape] = {"id": str, "model": str, "created": int}

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    read_failure=read_failure,
    write_failure=write_failure,
    reader=ChatReader,
    writer=ChatWriter,
    says=Says(lambda citation: quoted(citation) is not None, seals_of=lambda _: False, several=True),
    answer_shape={**_TOLD, "choices": Ways({"finish_reason": str, "message": _SAID})},
    event_shape={**_TOLD, "choices": Ways({"finish_reason": str, "delta": _SAID, "message": _SAID})},
    answers=("choices",),
)
