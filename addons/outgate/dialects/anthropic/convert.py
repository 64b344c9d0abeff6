"""Converter of the Anthropic API: messages, from and to conversations in no dialect."""

from outgate.dialects.anthropic.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.anthropic.convert_events import MessageWriter
from outgate.dialects.anthropic.convert_read import read_request
from outgate.dialects.anthropic.convert_stream import MessageReader
from outgate.dialects.anthropic.convert_write import write_request
from outgate.dialects.translation import Converter

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=lambda answer, _: write_answer(answer),
    read_failure=read_failure,
    write_failure=write_failure,
    reader=MessageReader,
    writer=lambda _: MessageWriter(),
)
