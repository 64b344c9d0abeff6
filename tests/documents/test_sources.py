"""References are fetched from where the policy says, and from nowhere else."""

import asyncio
from typing import NamedTuple

import pytest

from outgate.dialects.attachments import Attachment
from outgate.documents.settings import HydrateSettings
from outgate.documents.sources import Sources, UnresolvedError
from outgate.errors import FailureKind, UpstreamError
from outgate.upstreams.catalog import Backend, Catalog, CredentialReference, Endpoint
from outgate.upstreams.client import Fetched

OPENAI = Backend(
    name="openai", provider="openai", dialect="openai", host="api.openai.com", path_prefix="/proxy",
    endpoints=(Endpoint(name="e", host="api.openai.com", port=443),), credential=CredentialReference(env="KEY"),
)  # fmt: skip
DOCS = Backend(
    name="docs", provider="docs", dialect="none", host="docs.example.com",
    endpoints=(Endpoint(name="e", host="docs.example.com", port=443),),
)  # fmt: skip


class Asked(NamedTuple):
    backend: str
    target: str
    limit: int
    auth: object


class FakeClient:
    def __init__(self, status=200, error=None):
        self.asked, self._status, self._error = [], status, error

    async def fetch(self, backend, method, path, headers=(), body=b"", limit_bytes=0, auth=None):
        assert method == "GET"
        self.asked.append(Asked(backend.name, path, limit_bytes, auth))
        if self._error:
            raise self._error
        return Fetched(self._status, None, b"content")


class FakeCredentials:
    def bound(self, backend):
        return f"key of {backend.name}"


def fetched(attachment, client=None, destination="api.openai.com:443", **settings):
    client = client or FakeClient()
    sources = Sources(HydrateSettings(**settings), Catalog([OPENAI, DOCS]), client, FakeCredentials())
    return asyncio.run(sources.fetch(attachment, destination)), client.asked


def by_id(file_id="f-1"):
    return Attachment((0, "a"), {}, "file", file_id=file_id)


def by_url(url):
    return Attachment((0, "a"), {}, "file", url=url)


def test_a_file_id_is_fetched_from_the_addressed_provider_under_its_credential():
    content, asked = fetched(by_id(), provider_files=True, max_bytes=77)

    assert b"content" == content
    assert [Asked("openai", "/proxy/v1/files/f-1/content", 77, "key of openai")] == asked


def test_a_file_id_cannot_leave_its_path():
    _, asked = fetched(by_id("../models?x=/#"), provider_files=True)

    assert "/proxy/v1/files/..%2Fmodels%3Fx%3D%2F%23/content" == asked[0].target


@pytest.mark.parametrize("file_id", [".", ".."])
def test_a_file_id_that_is_a_step_in_a_path_is_not_fetched(file_id):
    assert (None, []) == fetched(by_id(file_id), provider_files=True)


def test_without_the_setting_nobody_is_asked():
    assert (None, []) == fetched(by_id())
    assert (None, []) == fetched(by_url("https://docs.example.com/public/a"))


def test_a_url_below_an_allowed_one_is_fetched():
    content, asked = fetched(by_url("https://docs.example.com/public/a.pdf?v=1"), urls=("https://docs.example.com/public/",))

    assert (b"content", "docs", "/public/a.pdf?v=1", None) == (content, asked[0].backend, asked[0].target, asked[0].auth)


@pytest.mark.parametrize(
    "url",
    [
        "https://docs.example.com/private/a",
        "https://docs.example.com/public/../private/a",
        "https://docs.example.com/public/%2e%2e/private/a",
        "https://docs.example.com/public/%2E%2E%2Fprivate/a",
        "https://docs.example.com/public/..\\private",
        "https://docs.example.com/public/%252e%252e/private",
        "https://docs.example.com/public/..;/private",
        "https://docs.example.com/public/%5c..%5cprivate",
        "https://docs.example.com/public/a%00b",
        "https://docs.example.com/public/a?x HTTP/1.1",
        "https://docs.example.com/public/?q=\ud800",
        "https://docs.example.com.evil.example/public/a",
        "https://docs.example.com@169.254.169.254/public/a",
        "http://docs.example.com/public/a",
        "https://169.254.169.254/public/a",
        "file:///etc/passwd",
    ],
)
def test_any_other_url_is_left_alone(url):
    assert (None, []) == fetched(by_url(url), urls=("https://docs.example.com/public/",))


def test_a_host_that_is_no_provider_is_not_dialled():
    assert (None, []) == fetched(by_url("https://elsewhere.example/a"), urls=("https://elsewhere.example/",))


def test_what_is_not_there_is_unresolved():
    with pytest.raises(UnresolvedError, match="404"):
        fetched(by_id(), FakeClient(status=404), provider_files=True)
    with pytest.raises(UnresolvedError, match="could not be fetched"):
        fetched(by_id(), FakeClient(error=UpstreamError(FailureKind.PROTOCOL, "too large")), provider_files=True)
