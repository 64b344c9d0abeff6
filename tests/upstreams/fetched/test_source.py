"""A source that is fetched: one fetch at a time, ahead of the end, and the last token while it is good."""

import asyncio

import pytest

from outgate.dialects.registry import provider_dialects
from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint, Grant
from outgate.upstreams.credentials import Credentials
from outgate.upstreams.fetched.settings import AwsSettings, AzureSettings, GoogleSettings, OauthSettings
from outgate.upstreams.fetched.source import FetchedSource, UnaskedSource
from outgate.upstreams.key_sources import Reading
from outgate.upstreams.renewal import RenewalError
from upstreams.fetched.asked import Asked

SETTINGS = OauthSettings(token_url="https://login.test/t", client_id="c", client_secret={"env": "SECRET"})
ENVIRON = {"SECRET": "canary-secret-1"}
ROLE = {"role": "arn:aws:iam::123456789012:role/outgate", "region": "eu-central-1"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def tokens(*names):
    return [RenewalError("down") if name is None else {"access_token": name, "expires_in": 100} for name in names]


def source(calls, clock, settings=SETTINGS, random=lambda: 1.0):
    return FetchedSource("backend 'b'", Grant(settings=settings, hosts=()), ENVIRON, calls, lambda: 0.0, clock, random)


async def after(each, clock, seconds):
    """The token so many seconds later, once the fetch that it began has ended."""
    clock.now += seconds
    before = each.read()
    for _ in range(5):
        await asyncio.sleep(0)
    return before, each.read()


def key(reading):
    return reading.keys[0].reveal() if reading.keys else ""


def test_a_hundred_requests_at_once_are_one_fetch():
    async def run():
        calls, clock = Asked(), Clock()
        each = source(calls, clock)
        await asyncio.gather(*(each.ready() for _ in range(100)))
        return key(each.read()), len(calls.questions)

    assert ("token-c0ffee5e11ab", 1) == asyncio.run(run())


def test_it_is_renewed_ahead_and_nobody_waits_for_that():
    async def run():
        calls, clock = Asked(*tokens("one", "two")), Clock()
        each = source(calls, clock)
        await each.ready()
        return [tuple(map(key, await after(each, clock, seconds))) for seconds in (74, 2)]

    assert [("one", "one"), ("one", "two")] == asyncio.run(run())


def test_workers_that_began_together_do_not_renew_together():
    async def run(random):
        calls, clock = Asked(*tokens("one", "two")), Clock()
        each = source(calls, clock, random=lambda: random)
        await each.ready()
        await after(each, clock, 70)
        return len(calls.questions)

    assert [2, 1] == [asyncio.run(run(random)) for random in (0.0, 1.0)]


def test_an_endpoint_that_fails_leaves_the_last_token_until_its_end(caplog):
    async def run():
        calls, clock = Asked(*tokens("one", None)), Clock()
        each = source(calls, clock)
        await each.ready()
        return [(await after(each, clock, seconds))[1] for seconds in (80, 19.9, 0.2)]

    late, last, ended = asyncio.run(run())
    assert ("one", "one", Reading((), "down")) == (key(late), key(last), ended)
    assert ["the credential of backend 'b' is not renewed: down"] == caplog.messages


def test_a_refused_token_is_fetched_again_once():
    async def run():
        calls, clock = Asked(*tokens("one", "two")), Clock()
        each = source(calls, clock)
        await each.ready()
        clock.now += 20
        for _ in range(3):
            each.again(Secret("one"))
        await each.ready()
        return key(each.read()), len(calls.questions)

    assert ("two", 2) == asyncio.run(run())


def test_a_fault_of_ours_ends_no_renewal_and_is_not_quoted(caplog):
    async def run():
        each = source(Asked(ValueError("canary-secret-1")), Clock())
        await each.ready()
        return each.read()

    assert Reading((), "ValueError in the gateway") == asyncio.run(run())
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (SETTINGS, "SECRET"),
        (GoogleSettings(file="none.json"), "none.json"),
        (AzureSettings(tenant="t", client_id="c", federated_token_file="none-token"), "none-token"),
        (AwsSettings(**ROLE, web_identity_token_file="none-token"), "none-token"),
        (AwsSettings(**ROLE, access_keys={"env": "KEYS"}), "KEYS"),
    ],
)
def test_what_cannot_be_read_here_is_named_and_nothing_is_asked(settings, named):
    grant = Grant(settings=settings, hosts=())

    assert named in UnaskedSource(grant, {}).read().problem
    backend = Backend(
        name="b", provider="b", dialect="openai", host="b.test", endpoints=(Endpoint(name="e", host="b.test", port=443),),
        credential=CredentialReference(grant=grant),
    )  # fmt: skip
    assert [named in each.message for each in Credentials({}, Clock(), lambda: 0.0).check(backend)] == [True]


@pytest.mark.parametrize("dialect", provider_dialects())
def test_it_travels_as_a_bearer_token_in_every_dialect(dialect):
    async def run():
        to = Backend(
            name="b", provider="b", dialect=dialect, host="b.test", endpoints=(Endpoint(name="e", host="b.test", port=443),),
            credential=CredentialReference(grant=Grant(settings=SETTINGS, hosts=())),
        )  # fmt: skip
        credentials = Credentials(ENVIRON, Clock(), lambda: 0.0, calls=Asked())
        await credentials.ready(to)
        return credentials.bound(to).fields_for(to, to.origination, "GET", "/", b"")

    assert (("authorization", "Bearer token-c0ffee5e11ab"),) == asyncio.run(run())


def test_what_can_be_read_here_is_no_problem():
    grant = Grant(settings=SETTINGS, hosts=())

    assert Reading(()) == UnaskedSource(grant, ENVIRON).read()
    assert Reading(()) == UnaskedSource(Grant(settings=GoogleSettings(), hosts=()), {}).read()
    assert "canary" not in repr((SETTINGS, grant, source(Asked(), Clock())))
