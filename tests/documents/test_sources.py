"""References are fetched from where the policy says, and from nowhere else."""

import asyncio
from typing import NamedTuple

import pytest

from outgate.dialects.attachments import Attachment
from outgate.documents.settings import HydrateSettings
from outgate.documents.sources import Sources, UnresolvedError
from outgate.errors import FailureKind, UpstreamError
from outgate.net.headers import Headers
from outgate.upstreams.catalog import Backend, Catalog, CredentialReference, Endpoint
from outgate.upstreams.client import Fetched
from outgate.upstreams.signing import SigningScope

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


OBJECTS = Backend(
    name="objects", provider="objects", dialect="none", host="objects.example.com",
    endpoints=(Endpoint(name="e", host="objects.example.com", port=443),),
    credential=CredentialReference(env="KEYS", sigv4=SigningScope("s3", "eu-central-1")),
)  # fmt: skip
BUCKETS = ({"bucket": "reports", "provider": "objects", "prefix": "public/"},)


class FakeClient:
    def __init__(self, status=200, error=None, headers=()):
        self.asked, self.fields, self._status, self._error, self._headers = [], [], status, error, Headers(headers)

    async def fetch(self, backend, method, path, headers=(), body=b"", limit_bytes=0, auth=None):
        assert method == "GET"
        self.asked.append(Asked(backend.name, path, limit_bytes, auth))
        self.fields.append(headers)
        if self._error:
            raise self._error
        return Fetched(self._status, self._headers, b"content")


class FakeCredentials:
    def __init__(self, none=False):
        self._none, self._waited = none, False

    async def ready(self, backend):
        self._waited = True

    def bound(self, backend):
        return None if self._none or not self._waited else f"key of {backend.name}"


async def _fetched(sources, attachment, destination, known):
    place = sources.place(attachment, destination)
    return await sources.fetch(place, known) if place is not None else None


def fetched(attachment, client=None, destination="api.openai.com:443", known="", credentials=None, **settings):
    client = client or FakeClient()
    sources = Sources(HydrateSettings(**settings), Catalog([OPENAI, DOCS, OBJECTS]), client, credentials or FakeCredentials())
    found = asyncio.run(_fetched(sources, attachment, destination, known))
    return found and found.data, client.asked


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


@pytest.mark.parametrize("url", ["s3://reports/public/a b.pdf", "https://objects.example.com/reports/public/a%20b.pdf"])
def test_an_object_is_fetched_under_the_keys_of_its_store(url):
    _, asked = fetched(by_url(url), buckets=BUCKETS, max_bytes=9)

    assert [Asked("objects", "/reports/public/a%20b.pdf", 9, "key of objects")] == asked


def test_a_presigned_url_is_fetched_without_our_keys():
    url = "https://objects.example.com/reports/public/a?X-Amz-Date=d&X-Amz-Signature=s"
    _, asked = fetched(by_url(url), buckets=BUCKETS)

    assert ("/reports/public/a?X-Amz-Date=d&X-Amz-Signature=s", None) == (asked[0].target, asked[0].auth)


def test_attack_our_keys_sign_what_is_no_object_of_a_bucket():
    """`urls` of a store never sign: a query would list the bucket, or show who may read it."""
    url = "https://objects.example.com/reports/public/?list-type=2"

    assert (None, []) == fetched(by_url(url), urls=("https://objects.example.com/",), buckets=BUCKETS)


def test_a_file_of_a_folder_is_read(tmp_path):
    (tmp_path / "a.txt").write_text("local")
    folders = ({"prefix": "file:///shared/", "folder": str(tmp_path)},)

    assert (b"local", []) == fetched(by_url("file:///shared/a.txt"), folders=folders)
    with pytest.raises(UnresolvedError, match="no such file"):
        fetched(by_url("file:///shared/b.txt"), folders=folders)


@pytest.mark.parametrize(
    ("told", "known", "field"),
    [
        ("etag", 'etag:"1"', ("if-none-match", '"1"')),
        ("last-modified", "last-modified:Mon, 30 Nov 2026 06:00:00 GMT", ("if-modified-since", "Mon, 30 Nov 2026 06:00:00 GMT")),
    ],
)
def test_a_known_version_is_asked_about(told, known, field):
    client = FakeClient(status=304)

    assert (None, 1) == (fetched(by_url("s3://reports/public/a"), client, known=known, buckets=BUCKETS)[0], len(client.asked))
    assert [(field,)] == client.fields


def test_an_answer_of_no_change_to_who_knows_nothing_is_refused():
    with pytest.raises(UnresolvedError, match="304"):
        fetched(by_url("s3://reports/public/a"), FakeClient(status=304), buckets=BUCKETS)


def test_attack_a_redirect_leads_elsewhere():
    with pytest.raises(UnresolvedError, match="no redirect is followed"):
        fetched(by_url("s3://reports/public/a"), FakeClient(status=307), buckets=BUCKETS)


def test_attack_a_store_sends_too_much():
    error = UpstreamError(FailureKind.PROTOCOL, "too large", status=200)
    with pytest.raises(UnresolvedError, match="max_bytes"):
        fetched(by_url("s3://reports/public/a"), FakeClient(error=error), buckets=BUCKETS)


def test_without_its_credential_nobody_is_asked():
    client = FakeClient()
    with pytest.raises(UnresolvedError, match="no credential"):
        fetched(by_url("s3://reports/public/a"), client, credentials=FakeCredentials(none=True), buckets=BUCKETS)
    assert [] == client.asked


@pytest.mark.parametrize("url", ["https://[x", "https://docs.example.com:port/public/a", "https://docs.example.com:99999/public/a"])
def test_attack_a_url_that_cannot_be_parsed(url):
    assert (None, []) == fetched(by_url(url), urls=("https://",), buckets=BUCKETS)
