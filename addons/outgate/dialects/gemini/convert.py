"""The converter of the Gemini API."""

from outgate.dialects.gemini.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.gemini.convert_read import read_request
from outgate.dialects.gemini.convert_stream_read import GeminiReader
from outgate.dialects.gemini.convert_stream_write import GeminiWriter
from outgate.dialects.gemini.convert_write import write_request
from outgate.dialects.translation import Converter

CONVERTER = Converter(
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=lambda answer, _: write_answer(answer),
    read_failure=read_failure,
    write_failure=write_failure,
    reader=GeminiReader,
    writer=lambda _: GeminiWriter(),
)
