"""References: what lies below a beginning, and what only looks so."""

import pytest

from outgate.documents.references import ObjectReference, allowed, inside, lies_below, object_at, object_named, path_of, split
from outgate.documents.settings import BucketSettings, FolderSettings
from outgate.upstreams.catalog import Backend, Endpoint

BUCKET = BucketSettings(bucket="reports", provider="objects", prefix="public/")
FOLDERS = (
    FolderSettings(prefix="file:///", folder="/srv/all"),
    FolderSettings(prefix="file:///shared/", folder="/srv/shared"),
)


def backend(host="objects.example.com", path_prefix=""):
    endpoints = (Endpoint(name="e", host=host, port=443),)
    return Backend(name="o", provider="o", dialect="none", host=host, path_prefix=path_prefix, endpoints=endpoints)


def found(url, host="objects.example.com", path_prefix=""):
    named = object_named(url) or object_at(url, BUCKET, backend(host, path_prefix))
    return named if named is not None and allowed(named, BUCKET) else None


@pytest.mark.parametrize(
    ("url", "host", "key"),
    [
        ("s3://reports/public/a.pdf", "", "public/a.pdf"),
        ("s3://reports/public/May 2026/über?.pdf", "", "public/May 2026/über?.pdf"),
        ("https://objects.example.com/reports/public/a%20b.pdf", "objects.example.com", "public/a b.pdf"),
        ("https://reports.objects.example.com/public/a", "reports.objects.example.com", "public/a"),
    ],
)
def test_objects_of_the_bucket(url, host, key):
    assert ObjectReference("reports", key) == found(url, host or "objects.example.com")


def test_a_presigned_url_keeps_its_query():
    assert "X-Amz-Signature=s&a=b" == found("https://objects.example.com/reports/public/a?X-Amz-Signature=s&a=b").query


@pytest.mark.parametrize(
    "url",
    [
        "s3://reports/private/a",
        "s3://reports/public",
        "s3://reports/public/../private/a",
        "s3://reports/public/./a",
        "s3://reports/public/%2e%2e/private/a",
        "s3://reports/public/%252e%252e/private/a",
        "s3://reports/public//a",
        "s3://reports//public/a",
        "s3://reports/public/a\\..\\b",
        "s3://reports/public/a\nb",
        "s3://reports/public/" + "k" * 1024,
        "s3://others/public/a",
        "s3://reports.evil.example/public/a",
        "s3://reports@others/public/a",
        "s3:/reports/public/a",
        "https://objects.example.com/reports/public/a?acl",
        "https://objects.example.com/reports/public/a?versionId=1&tagging",
        "https://objects.example.com/reports/public/..%2fprivate",
        "https://objects.example.com/reports/private/a?X-Amz-Signature=s",
        "https://objects.example.com/others/public/a",
        "https://objects.example.com/reports/?list-type=2&X-Amz-Signature=s",
        "https://objects.example.com:444/reports/public/a",
        "https://me@objects.example.com/reports/public/a",
        "https://objects.example.com.evil.example/reports/public/a",
        "http://objects.example.com/reports/public/a",
        "https://[objects.example.com/reports/public/a",
        "https://objects.example.com/reports/public/a#b",
    ],
)
def test_attack_a_reference_leaves_the_bucket_or_its_prefix(url):
    assert found(url) is None


def test_a_key_as_it_stands_in_a_path():
    assert "May%202026/%C3%BCber%3F%2B~.pdf" == path_of("May 2026/über?+~.pdf")


@pytest.mark.parametrize(
    "url", ["https://[x/", "https://host:port/", "https://host:99999/", "https://host:0/", "https://a/#b", "a", ""]
)
def test_what_is_no_url_is_none(url):
    assert split(url) is None and not lies_below(url, "https://")


def test_the_longest_prefix_of_a_folder_decides():
    assert ("/srv/shared", ("a", "b c.pdf")) == inside("file:///shared/a/b%20c.pdf", FOLDERS)
    assert ("/srv/all", ("else", "a")) == inside("file:///else/a", FOLDERS)


@pytest.mark.parametrize(
    "rest",
    [
        "../a",
        "a/../../b",
        "%2e%2e/a",
        "%252e%252e/a",
        "..%2fa",
        ".",
        "",
        "a/",
        "a//b",
        "/etc/passwd",
        "a%00b",
        "..\\a",
        "a?b",
        "a#b",
    ],
)
def test_attack_a_path_leaves_its_folder(rest):
    assert inside(f"file:///shared/{rest}", FOLDERS) is None


@pytest.mark.parametrize("url", ["file://host/shared/a", "file:/shared/a", "/shared/a", "FILE:///shared/a", "file:///elsewhere/a"])
def test_other_file_urls_are_none(url):
    assert inside(url, FOLDERS[1:]) is None
