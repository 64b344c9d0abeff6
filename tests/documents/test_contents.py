"""Contents of files: remembered while a file stays the same, by tenant, and read anew when it changed."""

import asyncio

import pytest

from outgate.dialects.attachments import Attachment
from outgate.documents.contents import Contents
from outgate.documents.reader import Bounds
from outgate.documents.sources import Fetched, LocalPlace, UnresolvedError
from outgate.documents.texts import Texts
from outgate.stores.memo import Memo

PNG = b"\x89PNG\r\n\x1a\n0000"


class FakeSources:
    """One place; `versions` are what is there now."""

    def __init__(self, lasting=False):
        self.asked, self.there, self._place = [], Fetched(b"words", "v1"), LocalPlace("/f", ("a",), lasting)

    def place(self, attachment, destination):
        return self._place if attachment.url else None

    async def fetch(self, place, known=""):
        self.asked.append(known)
        return None if known and known == self.there.version else self.there


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def contents(sources, clock=None, memo=None):
    memo = memo or Memo(bytes(32))
    return Contents(sources, Texts(None, memo, Bounds(1000, 1, 1), "deny"), memo, clock or Clock())


def ask(made, tenant="t", url="s3://b/a"):
    return asyncio.run(made.referred(Attachment((0, "a"), {}, "file", url=url), "host:443", tenant))


def test_what_stays_the_same_is_asked_for_and_not_taken_again():
    sources = FakeSources()
    made = contents(sources)

    assert ["words", "words"] == [ask(made).text, ask(made).text]
    assert ["", "v1"] == sources.asked


def test_what_changed_is_read_anew():
    sources = FakeSources()
    made = contents(sources)
    ask(made)
    sources.there = Fetched(b"other words", "v2")

    assert ["other words", "other words"] == [ask(made).text, ask(made).text]
    assert ["", "v1", "v2"] == sources.asked


def test_attack_a_tenant_gets_what_another_fetched():
    sources = FakeSources()
    made = contents(sources)
    ask(made, "t1")
    ask(made, "t2")

    assert ["", ""] == sources.asked


def test_what_has_no_version_is_taken_each_time():
    sources = FakeSources()
    sources.there = Fetched(b"words", "")
    made = contents(sources)
    ask(made)
    ask(made)

    assert ["", ""] == sources.asked


def test_what_never_changes_is_not_asked_for_within_an_hour():
    sources, clock = FakeSources(lasting=True), Clock()
    sources.there = Fetched(b"words", "")
    made = contents(sources, clock)
    ask(made)
    clock.now = 3599.0
    ask(made)
    clock.now = 3600.0
    ask(made)

    assert ["", ""] == sources.asked


def test_an_image_is_kept_as_it_is():
    sources = FakeSources()
    sources.there = Fetched(PNG, "v1")
    made = contents(sources)
    ask(made)
    found = ask(made)

    assert ("image", None, "image/png", PNG) == found


def test_what_is_long_is_not_remembered():
    sources = FakeSources()
    sources.there = Fetched(b"w" * 300_000, "v1")
    memo = Memo(bytes(32))
    made = contents(sources, memo=memo)
    ask(made)

    assert 0 == memo.size


def test_what_has_no_place_is_none():
    assert ask(contents(FakeSources()), url="") is None


def test_a_file_that_is_gone_is_not_given_from_memory():
    sources = FakeSources()
    made = contents(sources)
    ask(made)

    async def gone(place, known=""):
        raise UnresolvedError("gone")

    sources.fetch = gone
    with pytest.raises(UnresolvedError):
        ask(made)
