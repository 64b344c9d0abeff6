"""The converter of chat completions."""

from outgate.dialects.openai.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.openai.convert_read import read_request
from outgate.dialects.openai.convert_stream import ChatReader, ChatWriter
from outgate.dialects.openai.convert_write import write_request
from outgate.dialects.translation import StreamReader, StreamWriter
from outgate.inference.conversation import Conversation


class ChatConverter:
    """See `translation.Converter`."""

    read_request = staticmethod(read_request)
    write_request = staticmethod(write_request)
    read_answer = staticmethod(read_answer)
    write_answer = staticmethod(write_answer)
    read_failure = staticmethod(read_failure)
    write_failure = staticmethod(write_failure)

    def reader(self) -> StreamReader:
        """See `translation.Converter`."""
        return ChatReader()

    def writer(self, asked: Conversation) -> StreamWriter:  # noqa: ARG002
        """See `translation.Converter`."""
        return ChatWriter()
