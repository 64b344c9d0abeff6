"""The converter of chat completions."""

from outgate.dialects.openai.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.openai.convert_read import read_request
from outgate.dialects.openai.convert_stream import ChatReader, ChatWriter
from outgate.dialects.openai.convert_write import write_request
from outgate.dialects.translation import Converter

CONVERTER = Converter(
    read_request=lambda _, tree: read_request(tree),
    write_request=write_request,
    read_answer=read_answer,
    write_answer=write_answer,
    read_failure=read_failure,
    write_failure=write_failure,
    reader=ChatReader,
    writer=ChatWriter,
)
