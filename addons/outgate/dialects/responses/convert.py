"""Converter of the Responses API, to and from conversations."""

from outgate.dialects.responses.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.responses.convert_read import read_request
from outgate.dialects.responses.convert_stream_read import ResponsesReader
from outgate.dialects.responses.convert_stream_write import ResponsesWriter
from outgate.dialects.responses.convert_write import write_request
from outgate.dialects.translation import Converter

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    read_failure=read_failure,
    write_failure=write_failure,
    reader=ResponsesReader,
    writer=ResponsesWriter,
)
