"""Providers that fail, as `outgate status` is told: what, where, since when, how often, what to mend, and that it answers again."""

import datetime as dt
import json
import socket
from contextlib import ExitStack

import httpx
import pytest
import trustme
from click.testing import CliRunner

from e2e.world import PASSING_ALL, World, http
from outgate.cli.main import cli
from support.behaviours import refuse, reset
from support.scripted_upstream import ScriptedUpstream

PROVIDER = """
{name}:
  host: {name}.test
  dialect: openai
  endpoints: [{{address: "127.0.0.1:{port}"}}]
  allow_addresses: [127.0.0.0/8]
  tls: {{ca: {ca}}}
  credential: {{file: {key}}}
"""
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture(name="shared", scope="module")
def _shared(providers, tmp_path_factory):
    """Two workers, and providers that fail in ways of their own."""
    folder = tmp_path_factory.mktemp("outages")
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    ca, key = providers[0].ca, folder / "key"
    key.write_text("sk-canary-of-a-file-0123456789")
    leaf = ca.issue_cert("expired.test", not_before=past - dt.timedelta(9), not_after=past)
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as closed:
        ports = {"gone": closed.getsockname()[1]}
        closed.close()
        for name, server in {"expired": {"ca": ca, "leaf": leaf}, "stranger": {"ca": trustme.CA()}, "keyless": {"ca": ca}}.items():
            ports[name] = stack.enter_context(ScriptedUpstream(f"{name}.test", **server)).port
        told = (PROVIDER.format(name=name, port=port, ca=folder / "upstream-ca.pem", key=key) for name, port in ports.items())
        world = World(folder, *providers)
        yield world, stack.enter_context(world.gateway(world.policy(PASSING_ALL, providers="".join(told)), workers=2))


def ask(gateway, host="api.openai.com"):
    try:
        with http(gateway) as client:
            body = {"model": "gpt-4o-mini", "messages": MESSAGES}
            return client.post(f"https://{host}/v1/chat/completions", json=body).status_code
    except httpx.ProxyError:
        return 403


def status(gateway, *more):
    return CliRunner(env={"COLUMNS": "300"}).invoke(cli, ["status", "--admin", f"127.0.0.1:{gateway.admin}", *more]).output


def told(gateway, backend):
    """What `status` says of a provider for programs."""
    return [each for each in json.loads(status(gateway, "--json"))["providers"] if each["backend"] == backend]


def line(gateway, *said):
    """Whether a line of `status` says all of it, within the second in which it is told."""
    return gateway.wait(lambda: any(all(word in each for word in said) for each in status(gateway).splitlines()), 10)


@pytest.mark.parametrize(
    ("host", "said", "mend"),
    [
        ("gone", "refused", "nothing listens there"),
        ("expired", "certificate expired", "the provider's certificate has ended"),
        ("stranger", "certificate unknown authority", "`providers.stranger.tls.ca`"),
    ],
)
def test_a_provider_that_cannot_be_reached_is_said_with_what_to_mend(shared, host, said, mend):
    _, gateway = shared
    assert {502} == {ask(gateway, f"{host}.test") for _ in range(3)}

    assert line(gateway, f"{host} FAILS: {said} at 127.0.0.1:", " since ", mend), status(gateway)
    assert gateway.wait(lambda: [each["failed"] >= 3 and not each["answered"] for each in told(gateway, host)] == [True], 10)


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (401, "the key that the provider refuses is `providers.openai.credential`"),
        (403, "does not let this key do that"),
        (429, "the provider limits this key"),
        (503, "the provider itself fails"),
    ],
)
def test_a_provider_that_answers_with_an_error_is_said_until_it_answers(shared, code, mend):
    world, gateway = shared
    world.openai.script(*[refuse(code)] * 8)
    assert 400 <= min(ask(gateway), ask(gateway))
    world.openai.forget()
    assert line(gateway, f"openai FAILS: {code} at 127.0.0.1:", f"{len(world.openai.seen)} of ", "to mend: ", mend), status(gateway)
    assert f'status="{code}"}} 1.0' in gateway.get("/metrics")[1]

    assert 200 == ask(gateway)
    assert line(gateway, "openai answers again since ", f"it failed: {code} at"), status(gateway)
    assert not any(each["failing"] for each in told(gateway, "openai"))


def test_a_key_file_that_cannot_be_read_is_said_before_anybody_asks_and_not_when_it_is_back(shared):
    world, gateway = shared
    key = world.folder / "key"
    kept = key.rename(world.folder / "kept")
    assert line(gateway, "keyless: its last credential is used on", "outgate check --credentials"), status(gateway)
    kept.rename(key)

    assert gateway.wait(lambda: told(gateway, "keyless") == [], 30)


def test_an_answer_that_breaks_off_is_said(shared):
    world, gateway = shared
    world.openai.script(reset("headers"))
    ask(gateway)

    assert line(gateway, "openai FAILS: "), status(gateway)
    assert 200 == ask(gateway)


def test_a_failure_is_one_line_of_the_log_and_denied_lists_it_apart_with_what_to_mend(shared):
    world, gateway = shared
    assert 502 == ask(gateway, "expired.test")
    state, policy = ("--state", str(world.folder / "state")), ("--policy", str(gateway.policy))
    told = CliRunner(env={"COLUMNS": "300"}).invoke(cli, ["denied", "--failed", *state, *policy]).output

    assert "FAILED at expired/127.0.0.1:" in told, told
    assert "tls.certificate_expired; callers got 502 upstream_" in told
    assert "to mend   the provider's certificate has ended" in told
    assert gateway.wait(lambda: gateway.says("of tls.certificate_expired at expired/"), 20)
    lines = [line for line in gateway.log if "certificate_expired" in line and "more in" not in line]
    assert all(line.count("127.0.0.1:") == 1 and "; to mend: " in line for line in lines)


def test_a_provider_that_the_policy_has_no_more_is_said_no_more(shared):
    _, gateway = shared
    ask(gateway, "gone.test")
    assert gateway.wait(lambda: told(gateway, "gone"), 10)
    text = gateway.policy.read_text()
    before, _, after = text.partition("  gone:")
    gateway.policy.write_text(before + after[after.index("  expired:") :])

    assert gateway.wait(lambda: told(gateway, "gone") == [], 30)
    gateway.policy.write_text(text)
    assert gateway.wait(lambda: ask(gateway, "gone.test") == 502, 30)
