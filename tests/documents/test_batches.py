"""Batches are resolved at the provider that was addressed, or not at all."""

import asyncio
import json

import pytest

from outgate.dialects.registry import dialect, request_line
from outgate.documents.batches import resolved
from outgate.documents.sources import Fetched, UnresolvedError
from outgate.net.headers import Headers

LINE = {
    "custom_id": "1",
    "method": "POST",
    "url": "/v1/chat/completions",
    "body": {"model": "m", "messages": [{"role": "user", "content": "the words"}]},
}
WRITTEN = json.dumps(LINE).encode()
START = {"input_file_id": "file-1", "endpoint": "/v1/chat/completions", "completion_window": "24h"}


class FakeSources:
    def __init__(self, data=WRITTEN, place="somewhere"):
        self.asked, self._data, self._place = [], data, place

    def file(self, file_id, destination):
        self.asked.append((file_id, destination))
        return self._place

    async def fetch(self, place):
        return Fetched(self._data, "")


def ask(sources, method="POST", path="/v1/batches", body=START):
    request = dialect("openai").decode(
        request_line(method, path, "openai"), Headers([]), json.dumps(body).encode() if body else b""
    )
    return asyncio.run(resolved(sources, request.prompt, request.params, "host:443", "openai"))


def test_the_file_is_asked_for_where_the_batch_starts():
    sources = FakeSources()
    prompt, params = ask(sources)

    assert [("file-1", "host:443")] == sources.asked
    assert "the words" in [leaf.text for leaf in prompt.leaves] and () == params.server_state


def test_other_requests_ask_for_nothing():
    sources = FakeSources()
    _, params = ask(sources, "GET", "/v1/batches/batch_1", None)

    assert ([], ()) == (sources.asked, params.server_state)


@pytest.mark.parametrize(
    ("sources", "why"), [(FakeSources(place=None), "nowhere"), (FakeSources(b"\xff"), "line 1"), (FakeSources(b""), "lines")]
)
def test_what_cannot_be_judged_is_unresolved(sources, why):
    with pytest.raises(UnresolvedError, match=why):
        ask(sources)
