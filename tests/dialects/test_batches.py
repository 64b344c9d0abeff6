"""Requests about batches: the start of one is judged with the lines of its file, and sent without them."""

import json

import pytest

from outgate.dialects.batches import file_of, with_lines
from outgate.dialects.openai.tables import BATCH
from outgate.dialects.registry import dialect, request_line
from outgate.dialects.spec import Target
from outgate.errors import WireError
from outgate.net.headers import Headers

START = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


def decoded(body=b"", method="POST", path="/v1/batches"):
    return dialect("openai").decode(request_line(method, path, "openai"), Headers([]), body)


def start(**members):
    return decoded(json.dumps({**START, **members}).encode())


def line(text="hi", url="/v1/chat/completions", **members):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **members}
    return json.dumps({"custom_id": "r", "method": "POST", "url": url, "body": body})


def judged(request, *lines):
    prompt, params = with_lines(request.prompt, request.params, "\n".join(lines).encode(), BATCH)
    return request._replace(prompt=prompt, params=params)


def test_the_start_refers_to_its_file_alone():
    request = start(metadata={"team": "words"})

    assert ("file-1", ("input_file_id",), "") == (file_of(request.prompt), request.params.server_state, request.model)
    assert {"words", "file-1"} <= {leaf.text for leaf in request.prompt.leaves}


def test_the_lines_are_judged_and_not_sent():
    request = judged(start(), line("first"), line("second"))
    sent = dialect("openai").encode(request, Target(""))

    assert {"first", "second"} <= {leaf.text for leaf in request.prompt.leaves}
    assert ((), ("gpt-4o-mini",)) == (request.params.server_state, request.params.models)
    assert (START, "application/json") == (json.loads(sent.body), dict(sent.headers)["content-type"])


def test_what_counts_are_the_lines():
    whole, size = judged(start(), line("word " * 100)).prompt.document.abridged({}, 10)

    assert b"word word" in whole and len(whole) == size


def test_attack_a_policy_changes_a_line_and_the_provider_runs_another():
    request = judged(start(), line("first"))
    at = next(index for index, leaf in enumerate(request.prompt.leaves) if leaf.text == "first")
    changed = request._replace(prompt=request.prompt.replace({at: "masked"}))

    with pytest.raises(WireError, match="upload the file through the gateway") as caught:
        dialect("openai").encode(changed, Target(""))
    assert "batch_changed" == caught.value.code


def test_metadata_may_change():
    request = judged(start(metadata={"team": "words"}), line("first"))
    at = next(index for index, leaf in enumerate(request.prompt.leaves) if leaf.text == "words")
    changed = request._replace(prompt=request.prompt.replace({at: "masked"}))

    assert "masked" == json.loads(dialect("openai").encode(changed, Target("")).body)["metadata"]["team"]


def test_what_the_lines_refer_to_and_hold_is_told():
    request = judged(start(), line(previous_response_id="r1"), line(audio_data="x", tools=[{"type": "web_search"}]))

    assert ("previous_response_id",) == request.params.server_state and "hosted_tool" in request.prompt.unjudged


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ((), "1 to 10000 lines"),
        (("not json",), "line 1"),
        ((line(url="/v1/embeddings"),), "endpoint"),
        ((line(), line(model="o3")), "one model"),
        ((line(), '{"custom_id":"1","method":"POST","method":"GET"}'), "line 2"),
    ],
)
def test_other_files_are_refused(lines, why):
    with pytest.raises(WireError, match=why):
        judged(start(), *lines)


@pytest.mark.parametrize("file_id", [None, "", 7, ["file-1"]])
def test_attack_a_batch_whose_file_is_no_id(file_id):
    with pytest.raises(WireError):
        start(input_file_id=file_id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/batches"),
        ("GET", "/v1/batches?limit=2&after=batch_1"),
        ("GET", "/v1/batches/batch_1"),
        ("POST", "/v1/batches/batch_1/cancel"),
    ],
)
def test_other_requests_have_no_body(method, path):
    request = decoded(b"", method, path)
    sent = dialect("openai").encode(request, Target(""))

    assert (("batch_id",), b"", path) == (request.params.server_state, sent.body, sent.path)
    with pytest.raises(WireError, match="no body"):
        decoded(b"{}", method, path)
