"""The external guard asks about what is new, within its budget, and leaves alone what keeps failing."""

import asyncio
import json
from dataclasses import replace

import pytest

from detectors.fakes import prompt
from outgate.detectors.external.settings import Budget, Circuit, ExternalGuardSettings
from outgate.errors import FailureKind, UpstreamError
from outgate.guards.external import OVERLAP, STEP, Breaker, ExternalGuard, ExternalGuardError, Service
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel
from outgate.net.headers import Headers
from outgate.stores.memo import Memo
from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint
from outgate.upstreams.client import Fetched

BACKEND = Backend(name="d", provider="d", dialect="none", host="d.test", endpoints=(Endpoint(name="d", host="d.test", port=443),))
KEYED = replace(BACKEND, credential=CredentialReference(env="NOT_THERE"))


class Client:
    """Denies texts with `bad` in them; raises or answers what is scripted first."""

    def __init__(self, *script):
        self.script, self.asked, self.busy, self.most = list(script), [], 0, 0

    async def fetch(self, _backend, _method, _path, _fields, body, _limit, _auth):
        self.busy += 1
        self.most = max(self.most, self.busy)
        await asyncio.sleep(0)
        self.busy -= 1
        texts = [each["text"] for each in json.loads(body)["texts"]]
        self.asked.append(texts)
        said = self.script.pop(0) if self.script else None
        if isinstance(said, Exception):
            raise said
        if isinstance(said, int):
            return Fetched(said, Headers([]), b"{}")
        verdicts = [{"verdict": "deny" if "bad" in text else "allow"} for text in texts]
        return Fetched(200, Headers([]), json.dumps({"verdicts": verdicts}).encode())


class NoCredentials:
    """One that becomes known when it is waited for, or never."""

    def __init__(self, known=None):
        self._known, self._bound = known, None

    async def ready(self, _):
        self._bound = self._known

    def bound(self, _):
        return self._bound


class Guarded:
    def __init__(self, *script, backend=BACKEND, credential=None, **settings):
        self.now = 0.0
        self.client = Client(*script)
        made = ExternalGuardSettings(**settings)
        breaker = Breaker(made.circuit, lambda: self.now)
        service = Service(made, self.client, NoCredentials(credential), backend, breaker)
        self.guard = ExternalGuard(made, service, Memo(bytes(32)), "k")

    async def find(self, *texts, channel=Channel.USER, tenant="t", workload="w"):
        principal = Principal(name=workload, tenant=tenant)
        return await self.guard.find(prompt(*texts, channel=channel), principal, "req_1", "m")

    def found(self, *texts, **how):
        return [(one.leaf, one.rule) for one in asyncio.run(self.find(*texts, **how))]


def test_findings_stand_at_the_leaf_that_holds_them():
    guarded = Guarded()

    assert [(1, "webhook.deny")] == guarded.found("good", "a bad one", "good too")
    assert [["good", "a bad one", "good too"]] == guarded.client.asked


def test_what_was_judged_is_remembered_with_what_was_found():
    guarded = Guarded()
    first = guarded.found("bad", "good")

    assert [*first, (2, "webhook.deny")] == guarded.found("bad", "good", "bad again")
    assert [["bad", "good"], ["bad again"]] == guarded.client.asked


@pytest.mark.parametrize("other", [{"tenant": "u"}, {"workload": "v"}, {"channel": Channel.TOOL_RESULT}])
def test_nothing_is_remembered_across_tenants_workloads_and_channels(other):
    guarded = Guarded()
    guarded.found("good")
    guarded.found("good", **other)

    assert 2 == len(guarded.client.asked)


def test_other_channels_are_not_sent():
    guarded = Guarded(channels=("tool_result",))

    assert [] == guarded.found("bad")
    assert [] == guarded.client.asked


def test_a_long_text_is_asked_about_in_slices_that_overlap():
    text = "x" * (STEP + OVERLAP - 2) + "bad" + "x" * STEP
    guarded = Guarded()

    assert [(0, "webhook.deny")] == guarded.found(text)
    sent = [piece for texts in guarded.client.asked for piece in texts]
    assert max(map(len, sent)) == STEP + OVERLAP
    assert text.startswith(sent[0])
    assert text.endswith(sent[-1])
    assert any("bad" in piece for piece in sent)


def test_beyond_the_budget_it_fails_and_goes_on_from_there():
    guarded = Guarded(budget=Budget(calls=1))
    texts = [f"text {number}" for number in range(40)]
    with pytest.raises(ExternalGuardError, match="budget"):
        guarded.found(*texts)

    assert [] == guarded.found(*texts)
    assert [32, 8] == [len(asked) for asked in guarded.client.asked]


def test_characters_are_a_budget_too():
    guarded = Guarded(budget=Budget(characters=10))
    with pytest.raises(ExternalGuardError, match="budget"):
        guarded.found("eleven char")

    assert [] == guarded.client.asked


def test_no_more_questions_than_allowed_are_on_their_way():
    guarded = Guarded(concurrency=2, budget=Budget(calls=100, characters=1_000_000))
    guarded.found(*(f"{number} {'x' * 16_000}" for number in range(40)))

    assert 2 == guarded.client.most


def _refused():
    return UpstreamError(FailureKind.CONNECT, "no")


def test_an_idle_connection_that_was_lost_is_no_failure():
    guarded = Guarded(UpstreamError(FailureKind.STALE, "lost", sent=True))

    assert [(0, "webhook.deny")] == guarded.found("bad")


@pytest.mark.parametrize("fault", [_refused(), 500, 429, 302, 204])
def test_after_failures_in_a_row_it_is_left_alone_for_a_while(fault):
    guarded = Guarded(*[fault] * 2, circuit=Circuit(failures=2, pause=5))
    for number in range(3):
        with pytest.raises(ExternalGuardError):
            guarded.found(f"good {number}")
    assert 2 == len(guarded.client.asked)

    guarded.now = 5.0
    assert [] == guarded.found("good again")
    assert [] == guarded.found("and again")


def test_of_those_who_come_after_the_pause_one_tries():
    guarded = Guarded(500, 500, circuit=Circuit(failures=1, pause=5))
    for now, asked in ((0.0, 1), (4.9, 1), (5.0, 2), (9.9, 2)):
        guarded.now = now
        with pytest.raises(ExternalGuardError):
            guarded.found("good")
        assert asked == len(guarded.client.asked)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_attack_a_text_that_the_service_refuses_does_not_have_it_left_alone(status):
    guarded = Guarded(*[status] * 3, circuit=Circuit(failures=1))
    for _ in range(3):
        with pytest.raises(ExternalGuardError, match=str(status)):
            guarded.found("good")

    assert [] == guarded.found("good")


def test_without_its_credential_nothing_is_sent():
    guarded = Guarded(backend=KEYED)
    with pytest.raises(ExternalGuardError, match="credential"):
        guarded.found("good")

    assert [] == guarded.client.asked


def test_the_first_run_of_a_command_is_waited_for():
    guarded = Guarded(backend=KEYED, credential="of a command")

    assert [(0, "webhook.deny")] == guarded.found("bad")


def test_it_ends_at_its_limit_and_counts_as_a_failure():
    class Silent(Client):
        async def fetch(self, *_):
            await asyncio.Event().wait()

    guarded = Guarded(limit=0.01, circuit=Circuit(failures=1))
    guarded.client.__class__ = Silent
    with pytest.raises(TimeoutError):
        guarded.found("good")
    with pytest.raises(ExternalGuardError, match="circuit"):
        guarded.found("good")
