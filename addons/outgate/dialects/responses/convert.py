"""Converter of the Responses API, to and from conversations."""

# ruff: noqa: ARG002  the path of a request says nothing here

from collections.abc import Mapping, Sequence
from typing import Any

from outgate.dialects.responses import convert_answer, convert_read, convert_write
from outgate.dialects.responses.convert_stream_read import ResponsesReader
from outgate.dialects.responses.convert_stream_write import ResponsesWriter
from outgate.dialects.translation import Outbound
from outgate.inference.conversation import Answer, Conversation, Failure, Loss


class ResponsesConverter:
    """See `dialects.translation.Converter`."""

    def read_request(self, path: str, tree: Mapping[str, Any]) -> tuple[Conversation, Sequence[Loss]]:
        return convert_read.read_request(tree)

    def write_request(self, asked: Conversation, model: str, max_tokens: int | None) -> Outbound:
        return convert_write.write_request(asked, model, max_tokens)

    def read_answer(self, tree: Mapping[str, Any]) -> Answer:
        return convert_answer.read_answer(tree)

    def write_answer(self, answer: Answer) -> Mapping[str, Any]:
        return convert_answer.write_answer(answer)

    def read_failure(self, status: int, tree: Mapping[str, Any]) -> Failure:
        return convert_answer.read_failure(status, tree)

    def write_failure(self, failure: Failure) -> Mapping[str, Any]:
        return convert_answer.write_failure(failure)

    def reader(self) -> ResponsesReader:
        return ResponsesReader()

    def writer(self, asked: Conversation) -> ResponsesWriter:
        return ResponsesWriter(asked)
