"""Converter of Amazon Bedrock's Converse, towards providers: requests are written, answers read."""

from typing import Any, NoReturn

from outgate.dialects.bedrock.convert_answer import ConverseReader, read_answer, read_failure
from outgate.dialects.bedrock.convert_write import write_request
from outgate.dialects.bedrock.event_stream import EventStreamParser
from outgate.dialects.translation import Converter
from outgate.errors import WireError


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
)
