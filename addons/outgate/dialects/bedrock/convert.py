"""Converter of Amazon Bedrock's Converse, towards providers: requests are written, answers read."""

from typing import Any, NoReturn

from outgate.dialects.bedrock.convert_answer import ConverseReader, read_answer, read_failure
from outgate.dialects.bedrock.convert_write import write_request
from outgate.dialects.bedrock.event_stream import EventStreamParser
from outgate.dialects.shapes import Shape, Spare, Ways
from outgate.dialects.translation import Converter
from outgate.errors import WireError

_THOUGHT = Spare({"text": str, "signature": str, "redactedContent": str})
_CALL: dict[str, Shape] = {"toolUse": {"toolUseId": str}}
_BLOCK: dict[str, Shape] = {**_CALL, "reasoningContent": Spare({"reasoningText": _THOUGHT, "redactedContent": str})}
_TOLD: dict[str, Shape] = {"stopReason": str, "usage": dict}


def _no_client(*_: Any) -> NoReturn:
    raise WireError("untranslatable", "no client speaks this API here")


CONVERTER = Converter(
    read_request=_no_client,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=_no_client,
    read_failure=read_failure,
    write_failure=_no_client,
    reader=ConverseReader,
    writer=_no_client,
    frames=EventStreamParser,
    answer_shape={**_TOLD, "output": {"message": {"content": Ways(_BLOCK)}}},
    event_shape={**_TOLD, "contentBlockIndex": int, "start": _CALL, "delta": {"reasoningContent": _THOUGHT}},
    answers=("output", "stopReason"),
)
