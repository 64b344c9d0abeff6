"""Files that a policy names: a torn one refuses the policy instead of its requests."""

import asyncio

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from outgate.errors import PolicyError
from outgate.policy.files import content_of, files_of, shared_secret
from outgate.policy.load import load_policy
from outgate.policy.reload import Reloader
from outgate.policy.schema import GatewaySection
from support.policies import BASE, write

KEYS = '{"keys": []}'
TEXT = BASE.replace(
    "dialect: anthropic}", "dialect: anthropic, tls: {ca: ca.pem, client_certificate: own.pem, client_key: own.key}}"
).replace("{groups: [research]}", "{groups: [research], jwt: [{issuer: i, audience: a, jwks: {file: keys.json}}]}")
TEXT = "gateway: {client_ca: clients.pem}\n" + TEXT
CA = trustme.CA()
OTHER = trustme.CA()
OWN = CA.issue_cert("own.test")


def laid(folder):
    """The policy with every file it names, all sound."""
    CA.cert_pem.write_to_path(folder / "ca.pem")
    CA.cert_pem.write_to_path(folder / "clients.pem")
    OWN.cert_chain_pems[0].write_to_path(folder / "own.pem")
    OWN.private_key_pem.write_to_path(folder / "own.key")
    (folder / "keys.json").write_text(KEYS)
    return write(folder, TEXT)


def encrypted(key):
    loaded = serialization.load_pem_private_key(key.bytes(), None)
    form = serialization.PrivateFormat.PKCS8
    return loaded.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"secret"))


NAMES = ["clients.pem", "ca.pem", "own.pem", "own.key", "keys.json"]


def test_every_file_that_a_policy_names_is_listed_whether_it_exists_or_the_policy_is_sound(tmp_path):
    wanted = tuple(tmp_path / name for name in NAMES)

    assert wanted == files_of(write(tmp_path, TEXT))
    assert wanted == files_of(write(tmp_path, TEXT.replace("model_map", "modelmap") + "nonsense: 1\n"))
    assert () == files_of(write(tmp_path, "a: ["))


def test_what_files_hold_has_a_name(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a")

    assert "" == content_of()
    missing = content_of(one, two)
    two.write_text("b")
    assert len({missing, content_of(one, two), content_of(two, one)}) == 3


def test_sound_files_are_no_problem(tmp_path):
    assert [] == [problem for problem in load_policy(laid(tmp_path)).warnings if "FILE" in problem.code]


@pytest.mark.parametrize(
    ("name", "content", "code", "line"),
    [
        ("ca.pem", b"-----BEGIN CERTIFICATE-----\nMII", "E_TLS_FILE", 5),
        ("ca.pem", b"", "E_TLS_FILE", 5),
        ("own.key", OTHER.private_key_pem.bytes(), "E_TLS_FILE", 5),
        ("own.key", encrypted(OWN.private_key_pem), "E_TLS_FILE", 5),
        ("keys.json", b'{"keys": [', "E_KEY_SET", 7),
        ("keys.json", b"[]", "E_KEY_SET", 7),
        ("clients.pem", b"torn", "E_CLIENT_CA", 1),
    ],
)
def test_a_file_that_does_not_hold_what_it_must_refuses_the_policy(tmp_path, name, content, code, line):
    path = laid(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PolicyError) as caught:
        load_policy(path)
    (found,) = [problem for problem in caught.value.problems if problem.is_error]

    assert (code, line, True) == (found.code, found.line, bool(found.repair))


class Watched:
    """A reloader of a policy, and one turn of its watch at a time."""

    def __init__(self, path):
        self.loads = 0
        self.reloader = Reloader(path, self._load, files=files_of)

    def _load(self, path):
        self.loads += 1
        return load_policy(path)

    async def turn(self):
        turns = iter([None])

        async def pause():
            if next(turns, "over") == "over":
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await self.reloader.watch(pause)
        return self.reloader.current


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_changes_is_loaded_again_and_a_torn_one_leaves_the_policy_in_force(tmp_path, name, caplog):
    async def task():
        watched = Watched(laid(tmp_path))
        old = await watched.reloader.start()
        assert old is await watched.turn()
        assert 1 == watched.loads
        (tmp_path / name).write_text("torn")
        assert old is await watched.turn()
        assert "the one in force stays" in caplog.text
        assert {f"E_{code}" for code in ("TLS_FILE", "KEY_SET", "CLIENT_CA")} & {each.code for each in watched.reloader.problems}
        laid(tmp_path)
        (tmp_path / "keys.json").write_text(KEYS + "\n")
        new = await watched.turn()
        assert () == watched.reloader.problems
        assert old is not new
        assert old.revision != new.revision

    asyncio.run(task())


def test_a_file_that_was_missing_is_loaded_when_it_comes(tmp_path):
    async def task():
        path = laid(tmp_path)
        watched = Watched(path)
        old = await watched.reloader.start()
        (tmp_path / "late.pem").unlink(missing_ok=True)
        write(tmp_path, TEXT.replace("ca: ca.pem", "ca: late.pem"))
        assert old is await watched.turn()
        assert ["E_MISSING_FILE"] == [each.code for each in watched.reloader.problems if each.is_error]
        CA.cert_pem.write_to_path(tmp_path / "late.pem")
        assert old is not await watched.turn()

    asyncio.run(task())


def test_files_that_cannot_be_listed_do_not_end_the_watch(tmp_path):
    def broken(_path):
        raise RuntimeError("no list")

    async def task():
        reloader = Reloader(write(tmp_path), load_policy, files=broken)
        assert await reloader.start() is reloader.current

    asyncio.run(task())


def test_a_backend_whose_files_have_changed_is_another_backend(tmp_path):
    path = laid(tmp_path)
    old, again = (load_policy(path).catalog.by_name("anthropic") for _ in range(2))
    OTHER.cert_pem.write_to_path(tmp_path / "ca.pem")
    new = load_policy(path).catalog.by_name("anthropic")

    assert old == again
    assert old != new


def test_replicas_share_the_secret_that_the_policy_names(tmp_path):
    policy = tmp_path / "policy.yaml"
    (tmp_path / "secret").write_text("k" * 32 + "\n")

    def shared(**named):
        return shared_secret(policy, GatewaySection.model_validate({"secret": named}), {"SECRET": "e" * 40, "SHORT": "e"})

    assert b"" == shared_secret(policy, GatewaySection(), {})
    assert (b"k" * 32, b"e" * 40) == (shared(file="secret"), shared(env="SECRET"))
    for named, said in (({"file": "none"}, "missing or empty"), ({"env": "SHORT"}, "fewer than 32")):
        with pytest.raises(PolicyError, match=f"E_SECRET: gateway.secret: .*{said}"):
            shared(**named)
