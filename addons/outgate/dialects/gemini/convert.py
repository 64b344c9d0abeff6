"""The converter of the Gemini API."""

from collections.abc import Mapping

from outgate.dialects.citations import quoted
from outgate.dialects.gemini.convert_answer import read_answer, read_failure, write_answer, write_failure
from outgate.dialects.gemini.convert_read import read_request
from outgate.dialects.gemini.convert_stream_read import GeminiReader
from outgate.dialects.gemini.convert_stream_write import GeminiWriter
from outgate.dialects.gemini.convert_write import write_request
from outgate.dialects.gemini.tables import other_spelling
from outgate.dialects.shapes import Shape, Spare, Ways
from outgate.dialects.translation import Converter, Says


def _either(shape: Mapping[str, Shape]) -> dict[str, Shape]:
    """The shape, under both spellings of its names."""
    return {spelling: value for name, value in shape.items() for spelling in (name, other_spelling(name))}


_SOURCE = Spare(_either({"uri": str, "title": str, "startIndex": int, "endIndex": int}))
_CITED = Spare(_either({"citationSources": [_SOURCE], "citations": [_SOURCE]}))
_PARTS = Ways(_either({"thoughtSignature": str, "functionCall": {"id": str}}))
_CANDIDATE = _either({"citationMetadata": _CITED, "content": {"parts": _PARTS}})
_TOLD = _either({"responseId": str, "modelVersion": str, "promptFeedback": dict, "candidates": Ways(_CANDIDATE)})

CONVERTER = Converter(
    read_request=read_request,
    write_request=write_request,
    read_answer=read_answer,
    write_answer=lambda answer, _: write_answer(answer),
    read_failure=read_failure,
    write_failure=write_failure,
    reader=GeminiReader,
    writer=lambda _: GeminiWriter(),
    says=Says(lambda citation: quoted(citation) is not None, seals_of=lambda _: True, several=True),
    answer_shape=_TOLD,
    event_shape=_TOLD,
    answers=tuple(_either({"candidates": dict, "promptFeedback": dict, "usageMetadata": dict})),
    alike=True,
)
