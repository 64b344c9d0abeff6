"""Backend to credential: its own, bound to it, or none."""

from dataclasses import replace

from outgate.errors import Denial
from outgate.inference.principal import Principal
from outgate.net.headers import Headers
from outgate.stages.inject_credentials import HeldReads, InjectCredentials, Reads
from outgate.upstreams.bindings import Placeholder
from outgate.upstreams.catalog import Backend, Catalog, CredentialReference, Endpoint
from outgate.upstreams.credentials import Credentials


def _backend(name: str, reference: CredentialReference | None, dialect: str = "openai") -> Backend:
    endpoint = Endpoint(name="e", host="p.test", port=443)
    return Backend(name=name, provider="p", dialect=dialect, host=f"{name}.test", endpoints=(endpoint,), credential=reference)


def _stage(**environ: str) -> InjectCredentials:
    return InjectCredentials(Credentials(environ, lambda: 0.0, lambda: 0.0))


def test_each_backend_gets_its_own() -> None:
    stage = _stage(KEY_A="canary-a", KEY_B="canary-b")
    a, b = _backend("a", CredentialReference(env="KEY_A")), _backend("b", CredentialReference(env="KEY_B"), "anthropic")
    (auth_a,), (auth_b,) = stage.run(Reads(a, None)), stage.run(Reads(b, 0))

    assert (("authorization", "Bearer canary-a"),) == auth_a.fields_for(a, a.origination, "POST", "/", b"")
    assert (("x-api-key", "canary-b"),) == auth_b.fields_for(b, b.origination, "POST", "/", b"")


def test_local_service_without_credential_carries_none() -> None:
    """A32: a call to a local /health carries no bearer."""
    assert (None,) == _stage(KEY_A="canary-a").run(Reads(_backend("local", None), None))


def test_missing_credential_is_denied_and_never_replaced_by_another() -> None:
    outcome = _stage(OTHER="canary").run(Reads(_backend("a", CredentialReference(env="KEY_A")), None))

    assert isinstance(outcome, Denial)
    assert ("credential_missing", 503) == (outcome.code, outcome.status)
    assert "KEY_A" not in outcome.message


def test_a20_refreshed_credential_changes_what_is_written(tmp_path) -> None:
    """A20: after a 401 the source is read once more; the stage writes the new one, or the same object where nothing changed."""
    file = tmp_path / "key"
    file.write_text("key-1")
    backend = _backend("a", CredentialReference(file=str(file)))
    credentials = Credentials({}, lambda: 0.0, lambda: 0.0)
    stage = InjectCredentials(credentials)
    (first,) = stage.run(Reads(backend, 0))
    credentials.refused(backend, first)
    (same,) = stage.run(Reads(backend, credentials.epoch(backend)))
    file.write_text("key-2")
    credentials.refused(backend, first)
    (renewed,) = stage.run(Reads(backend, credentials.epoch(backend)))

    assert first is same
    assert "gateway" == first.whose
    assert (("authorization", "Bearer key-2"),) == renewed.fields_for(backend, backend.origination, "POST", "/", b"")


def test_contract() -> None:
    contract = _stage().contract

    assert (("backend",), ("credential.epoch",), ("wire.auth",)) == (contract.reads, contract.outside, contract.writes)


def test_policies_with_placeholders_or_own_tokens_read_what_workloads_send() -> None:
    bound = Placeholder(name="p", text="outgate-placeholder-0123456789")
    backend = replace(_backend("git", None, "none"), placeholders=((bound, CredentialReference(env="GIT")),))
    stage = InjectCredentials(Credentials({"GIT": "canary-git"}, lambda: 0.0, lambda: 0.0), Catalog((backend,)))
    headers = Headers([("authorization", f"Bearer {bound.text}")])
    asked = HeldReads(backend, 0, Principal(name="app"), "git.test:443", "GET", headers, "/", b"")
    (auth,) = stage.run(asked)

    assert {"headers", "principal", "wire.path", "wire.body"} <= {*stage.contract.reads}
    assert "placeholder:p" == auth.whose
    assert ("/", (("authorization", "Bearer canary-git"),), b"") == auth.written(backend, backend.origination, "GET", "/", b"")
    assert ("canary-git",) == auth.echoes()
    assert (None,) == stage.run(asked._replace(headers=Headers([])))
    assert "placeholder" in stage.explained()[0]
