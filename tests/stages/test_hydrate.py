"""hydrate: the text of files takes their place, what cannot be read is refused, what is not resolved stays."""

import asyncio
import json
from base64 import b64encode

import pytest

from outgate.dialects.form import Part, written
from outgate.dialects.registry import dialect, request_line
from outgate.documents.reader import DocumentError
from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.inference.verdict import Action, Match
from outgate.net.headers import Headers
from outgate.stages.hydrate import Hydrate, HydrateSettings, Reads
from outgate.stores.memo import Memo
from outgate.upstreams.catalog import Catalog

PDF = b"%PDF-1.4 fake"
LINE = request_line("POST", "/v1/responses")


class FakeReader:
    """Reads every document in the same words."""

    def __init__(self, text="the words", error=""):
        self.read, self._text, self._error = [], text, error

    async def text(self, kind, data, bounds):
        self.read.append(kind)
        if self._error:
            raise DocumentError(self._error)
        return self._text


def inline(data=PDF):
    return {"type": "input_file", "filename": "a.pdf", "file_data": f"data:application/pdf;base64,{b64encode(data).decode()}"}


def facts(*parts, **members):
    body = {"model": "m", "input": [{"role": "user", "content": list(parts)}], **members}
    request = dialect("responses").decode(LINE, Headers([]), json.dumps(body).encode())
    who = Principal(name="w", tenant="t")
    return Reads(request.prompt, request.params, who, LINE.operation, "POST", "/v1/responses", Headers([]), "api.openai.com:443")


def stage(reader=None, **settings):
    return Hydrate(HydrateSettings(**settings), Catalog(), None, None, reader or FakeReader(), Memo(bytes(32)), lambda: 0.0)


def run(made, given):
    return asyncio.run(made.run(given))


def test_a_request_without_files_stays_as_it_is():
    given = facts({"type": "input_text", "text": "hi"})
    verdict, prompt, params = run(stage(), given)

    assert (Action.ALLOWED, given.prompt, given.params) == (verdict.action, prompt, params)


def test_the_text_of_a_document_takes_its_place():
    given = facts(inline(), {"type": "input_text", "text": "Sum it up."})
    verdict, prompt, params = run(stage(), given)

    assert (Action.REPLACED, (Match("pdf", "file"),)) == (verdict.action, verdict.matches)
    assert ["[File a.pdf]\nthe words", "Sum it up."] == [leaf.text for leaf in prompt.leaves]
    assert not prompt.unjudged and given.params.identity != params.identity
    assert "base64" not in prompt.document.encode(prompt.edits).decode()


def test_a_text_file_needs_no_process():
    reader = FakeReader()
    _, prompt, _ = run(stage(reader), facts(inline(b"plain words")))

    assert ("[File a.pdf]\nplain words", []) == (prompt.leaves[0].text, reader.read)


def test_a_document_is_read_once():
    reader = FakeReader()
    made = stage(reader)
    run(made, facts(inline()))
    run(made, facts(inline()))

    assert ["pdf"] == reader.read


def test_an_unreadable_document_is_refused_or_left():
    denied = run(stage(FakeReader(error="encrypted")), facts(inline()))
    _, prompt, _ = run(stage(FakeReader(error="encrypted"), unreadable="parts"), facts(inline()))

    assert isinstance(denied, Denial) and "it is encrypted" in denied.message
    assert "input[0].content[0]" in denied.message
    assert "file" in prompt.unjudged


@pytest.mark.parametrize("data", [b"a\0b", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_text_stays_for_admit_parts(data):
    _, prompt, _ = run(stage(), facts(inline(data)))

    assert "file" in prompt.unjudged


def test_a_reference_that_the_policy_does_not_resolve_stays():
    _, prompt, params = run(stage(), facts({"type": "input_file", "file_id": "f-1"}))

    assert ("file_id",) == params.server_state and "file" in prompt.unjudged


def test_files_are_counted():
    denied = run(stage(max_files=2), facts(inline(), inline(), inline()))

    assert isinstance(denied, Denial) and denied.code == "too_many_files"


def test_what_the_caller_asked_of_the_stream_is_kept():
    body = {
        "model": "m",
        "stream": True,
        "messages": [
            {"role": "user", "content": [{"type": "file", "file": {"file_data": f"data:;base64,{b64encode(b'hi').decode()}"}}]}
        ],
    }
    line = request_line("POST", "/v1/chat/completions")
    request = dialect("openai").decode(line, Headers([]), json.dumps(body).encode())
    given = Reads(request.prompt, request.params, Principal(name="w"), line.operation, "POST", line.target, Headers([]), "")
    _, prompt, params = run(stage(), given)

    assert "hi" == prompt.leaves[0].text
    assert params.stream and not params.include_usage


def uploaded(data):
    described, body = written((Part("purpose", b"user_data"), Part("file", data, "a.pdf")))
    line, headers = request_line("POST", "/v1/files", "openai"), Headers([("content-type", described)])
    request = dialect("openai").decode(line, headers, body)
    return Reads(request.prompt, request.params, Principal(name="w"), line.operation, "POST", line.target, headers, "")


def test_the_text_of_an_uploaded_document_takes_its_place():
    _, prompt, _ = run(stage(), uploaded(PDF))

    assert ("the words", "user") == (prompt.leaves[-1].text, prompt.leaves[-1].channel)
    assert not prompt.unjudged and b'filename="a.pdf.txt"' in prompt.document.encode({})
    assert PDF not in prompt.document.encode({})


def test_an_uploaded_text_stays_as_it_is():
    given = uploaded(b"plain words")

    assert given.prompt is run(stage(), given)[1]
