"""Credentials: their header, their renewal, their binding, and that none is ever shown."""

import asyncio
import os
from pathlib import Path

import pytest

from outgate.net.secret import Secret
from outgate.upstreams.catalog import Backend, CredentialReference, Endpoint, KeySource, TlsSettings
from outgate.upstreams.credentials import CredentialMisboundError, Credentials


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def backend(reference: CredentialReference | None, **changes) -> Backend:
    values = {"name": "main", "provider": "acme", "dialect": "openai", "host": "api.test"} | changes
    return Backend(credential=reference, endpoints=(Endpoint(name="e", host="api.test", port=443),), **values)


def shown(credentials: Credentials, to: Backend) -> tuple[tuple[str, str], ...] | None:
    bound = credentials.bound(to)
    return bound and bound.fields_for(to, to.origination, "GET", "/", b"")


@pytest.mark.parametrize(
    ("changes", "reference", "expected"),
    [
        ({"dialect": "openai"}, {}, ("authorization", "Bearer k-1")),
        ({"dialect": "anthropic"}, {}, ("x-api-key", "k-1")),
        ({"dialect": "none"}, {}, ("authorization", "Bearer k-1")),
        ({}, {"header": "Api-Key"}, ("api-key", "k-1")),
        ({}, {"header": "X-Token", "prefix": "Token "}, ("x-token", "Token k-1")),
    ],
)
def test_field_follows_dialect_or_setting(changes: dict, reference: dict, expected: tuple[str, str]) -> None:
    credentials = Credentials({"KEY": " k-1\n"}, Clock(), lambda: 0.0)

    assert (expected,) == shown(credentials, backend(CredentialReference(env="KEY", **reference), **changes))


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "k\x00", "schlüssel", "a\rb"])
def test_unusable_text_is_a_problem_and_no_credential(text: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(text)
    for reference in (CredentialReference(env="KEY"), CredentialReference(file=str(tmp_path / "key"))):
        credentials = Credentials({"KEY": text}, Clock(), lambda: 0.0)
        problems = credentials.check(backend(reference))

        assert (None, ["E_CREDENTIAL_MISSING"]) == (credentials.bound(backend(reference)), [each.code for each in problems])
        assert "lines" not in str(problems[0]) and "main" in str(problems[0])


def test_backend_without_credential_has_none_and_no_problem() -> None:
    credentials = Credentials({}, Clock(), lambda: 0.0)
    to = backend(None)

    assert (None, 0, ()) == (credentials.bound(to), credentials.epoch(to), credentials.check(to))


def test_file_is_looked_at_once_a_second_and_read_again_when_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, clock, stats = tmp_path / "key", Clock(), []
    file.write_text("old-key")
    to = backend(CredentialReference(file=str(file)))
    credentials = Credentials({}, clock, lambda: 0.0)
    before = credentials.bound(to)
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda self, **kw: stats.append(self) or real(self, **kw))
    for _ in range(100):
        credentials.bound(to)
    file.write_text("renewed-key")
    clock.now += 0.5
    same = credentials.bound(to)
    none_yet = len(stats)
    clock.now += 0.6
    for _ in range(100):
        renewed = shown(credentials, to)

    assert before is same
    assert (0, 1) == (none_yet, credentials.epoch(to))
    assert (("authorization", "Bearer renewed-key"),) == renewed
    assert len(stats) <= 2


def test_link_that_is_moved_is_a_renewal(tmp_path: Path) -> None:
    """How a mounted secret is replaced: same size, same times, another file."""
    clock = Clock()
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"key-{name}")
        os.utime(tmp_path / name, (1, 1))
    (tmp_path / "key").symlink_to("a")
    to = backend(CredentialReference(file=str(tmp_path / "key")))
    credentials = Credentials({}, clock, lambda: 0.0)
    first = shown(credentials, to)
    (tmp_path / "next").symlink_to("b")
    (tmp_path / "next").replace(tmp_path / "key")
    clock.now += 2

    assert ("Bearer key-a", "Bearer key-b") == (first[0][1], shown(credentials, to)[0][1])


def test_file_that_vanishes_leaves_the_last_credential_in_force(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, file = Clock(), tmp_path / "key"
    file.write_text("key-1")
    to = backend(CredentialReference(file=str(file)))
    credentials = Credentials({}, clock, lambda: 0.0)
    before = credentials.bound(to)
    file.unlink()
    clock.now += 2

    assert (before, 0) == (credentials.bound(to), credentials.epoch(to))
    clock.now += 2
    credentials.bound(to)
    assert [f"backend 'main' keeps its last credential: the file {file} is missing or empty"] == caplog.messages
    assert "not_renewed" == credentials.trouble(to)


def test_file_that_appears_later_is_found(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "key"
    to = backend(CredentialReference(file=str(file)))
    credentials = Credentials({}, clock, lambda: 0.0)
    missing, trouble = credentials.bound(to), credentials.trouble(to)
    file.write_text("key-1")
    clock.now += 2

    assert ("unreadable", "") == (trouble, credentials.trouble(to))
    assert (None, (("authorization", "Bearer key-1"),)) == (missing, shown(credentials, to))


def test_a_refused_credential_is_read_at_once_and_only_a_change_raises_the_epoch(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("key-1")
    to = backend(CredentialReference(file=str(file)))
    credentials = Credentials({}, Clock(), lambda: 0.0)
    before = credentials.bound(to)
    credentials.refused(to, before)
    unchanged = (credentials.epoch(to), credentials.bound(to))
    file.write_text("key-2")
    credentials.refused(to, before)

    assert ((0, before), 1, 1) == (unchanged, credentials.epoch(to), credentials.epoch(to))
    assert (("authorization", "Bearer key-2"),) == shown(credentials, to)


def test_several_keys_take_turns_as_the_provider_limits_and_refuses_them(tmp_path: Path) -> None:
    clock = Clock()
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"key-{name}")
    (tmp_path / "..data").mkdir()
    keys = (KeySource(env="KEY"), KeySource(directory=str(tmp_path)))
    to = backend(CredentialReference(keys=keys, rest=60))
    credentials = Credentials({"KEY": "key-0"}, clock, lambda: 0.0)
    used = [shown(credentials, to)[0][1]]
    credentials.limited(to, credentials.bound(to), 30.0)
    used.append(shown(credentials, to)[0][1])
    credentials.refused(to, credentials.bound(to))
    used.append(shown(credentials, to)[0][1])
    clock.now += 31
    used.append(shown(credentials, to)[0][1])

    assert ["Bearer key-0", "Bearer key-a", "Bearer key-b", "Bearer key-0"] == used
    assert (3, True) == (credentials.epoch(to), credentials.spare(to))


def test_a_single_key_whose_quota_is_spent_does_not_rest() -> None:
    """Nothing else may be asked with, and only the provider says no: the next 429 is one that another key could answer for."""
    to = backend(CredentialReference(keys=(KeySource(env="KEY"),)))
    credentials = Credentials({"KEY": "key-0"}, Clock(), lambda: 0.0)
    credentials.worked(to, credentials.bound(to), 600.0)

    assert (True, "Bearer key-0") == (credentials.spare(to), shown(credentials, to)[0][1])
    assert () == credentials.before(to, credentials.bound(to))


def test_one_of_several_keys_that_is_missing_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    to = backend(CredentialReference(keys=(KeySource(env="KEY"), KeySource(env="OTHER"))))
    credentials = Credentials({"KEY": "key-0"}, Clock(), lambda: 0.0)

    assert ["W_KEY_MISSING"] == [problem.code for problem in credentials.check(to)]
    assert (("authorization", "Bearer key-0"),) == shown(credentials, to)


def test_no_command_is_run_to_learn_whether_there_is_trouble() -> None:
    credentials = Credentials({}, Clock(), lambda: 0.0)  # a command would need a running loop

    assert "" == credentials.trouble(backend(CredentialReference(command=("/bin/echo", "key"))))
    assert "" == credentials.trouble(backend(None))


def test_a_command_is_waited_for_once() -> None:
    to = backend(CredentialReference(command=("/bin/echo", "key-of-command")))

    async def fetched() -> tuple[object, object]:
        credentials = Credentials({}, Clock(), lambda: 0.0)
        before = credentials.bound(to), credentials.check(to)
        await credentials.ready(to)
        return before, shown(credentials, to)

    assert ((None, ()), (("authorization", "Bearer key-of-command"),)) == asyncio.run(fetched())


def test_same_credential_is_the_same_object() -> None:
    """What reads it does not run again."""
    to = backend(CredentialReference(env="KEY"))
    credentials = Credentials({"KEY": "k"}, Clock(), lambda: 0.0)

    assert credentials.bound(to) is credentials.bound(to)


def test_bound_to_name_host_port_and_tls() -> None:
    to = backend(CredentialReference(env="KEY"))
    bound = Credentials({"KEY": "k"}, Clock(), lambda: 0.0).bound(to)
    for changes in ({"name": "b"}, {"host": "evil.test"}, {"port": 8443}, {"tls": TlsSettings(sni="evil.test")}):
        other = backend(None, **changes)
        with pytest.raises(CredentialMisboundError) as caught:
            bound.fields_for(other, other.origination, "GET", "/", b"")

        assert "Bearer" not in str(caught.value)


def test_nothing_shows_it() -> None:
    to = backend(CredentialReference(env="KEY"))
    credentials = Credentials({"KEY": "canary-1"}, Clock(), lambda: 0.0)
    bound = credentials.bound(to)

    assert "canary" not in f"{bound!r} {bound} {credentials._held!r}"
    assert Secret("Bearer canary-1") == bound.headers[0][1]
