"""List and verify the files that a policy names. A torn file refuses a policy, not its requests."""

import ssl
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from outgate.errors import PolicyError, Problem
from outgate.identity.jwks import keys_of
from outgate.policy.schema import GatewaySection
from outgate.policy.source import Place, Source, read_source
from outgate.policy.validate import Validated, validate
from outgate.stores.state_secret import SIZE
from outgate.upstreams.catalog import Backend
from outgate.upstreams.key_sources import line_of
from outgate.upstreams.tls import check_tls

type NamedFile = tuple[Place, str]


def named_files(validated: Validated) -> Iterator[NamedFile]:
    """Every file a policy names, and where it names it; not those of credentials, which are read when they are used."""
    yield ("gateway", "client_ca"), validated.policy.gateway.client_ca
    for name, provider in validated.policy.providers.items():
        tls = ("providers", name, "tls")
        files = (provider.tls.ca,) if isinstance(provider.tls.ca, str) else provider.tls.ca
        yield from (((*tls, "ca"), file) for file in files)
        yield from (((*tls, "crl"), file) for file in provider.tls.crl)
        yield (*tls, "client_certificate"), provider.tls.client_certificate
        yield (*tls, "client_key"), provider.tls.client_key
    for name, model in validated.policy.models.items():
        yield ("models", name, "path"), f"{model.path}/config.json" if model.path else ""
    yield from _key_sets(validated)


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that a policy file names, so far as it can be read, whether they exist or not."""
    try:
        validated, _ = validate(read_source(path))
    except PolicyError:
        return ()
    return tuple(dict.fromkeys(path.parent / name for _, name in named_files(validated) if name))


def at(folder: Path, name: str) -> str:
    """The absolute path of a file that a policy in this folder names; empty where it names none."""
    return str((folder / name).absolute()) if name else ""


def content_of(*files: str | Path) -> str:
    """Twelve hex digits that name what the files hold; empty for no file, and a missing one counts as empty."""
    digest = sha256()
    for file in files:
        try:
            digest.update(sha256(Path(file).read_bytes()).digest())
        except OSError:
            digest.update(b"-")
    return digest.hexdigest()[:12] if files else ""


def content_problems(source: Source, validated: Validated, backends: tuple[Backend, ...]) -> Iterator[Problem]:
    """What is wrong inside the files that exist; that others are missing is told elsewhere."""
    folder = Path(source.file).parent
    for backend in backends:
        files = [file for file in (*backend.tls.ca_files, *backend.tls.crl_files, backend.tls.certificate, backend.tls.key) if file]
        if files and all(Path(file).is_file() for file in files):
            for problem in check_tls(backend):
                yield source.problem(problem.code, problem.message, ("providers", backend.name, "tls"), problem.repair)
    for place, name in _key_sets(validated):
        if name and (folder / name).is_file() and not _is_key_set(folder / name):
            message = f"{'.'.join(map(str, place))}: {name} is no JWK set"
            repair = 'give a file like `{"keys": [{"kid": "a", "kty": "RSA", …}]}` (RFC 7517)'
            yield source.problem("E_KEY_SET", message, place, repair)
    name = validated.policy.gateway.client_ca
    if name and (folder / name).is_file() and not _is_authority(folder / name):
        message = f"gateway.client_ca: {name} holds no CA certificate"
        yield source.problem("E_CLIENT_CA", message, ("gateway", "client_ca"), "give a PEM file of CA certificates")


def _key_sets(validated: Validated) -> Iterator[NamedFile]:
    for name, workload in validated.policy.workloads.items():
        for index, trust in enumerate(workload.jwt):
            yield ("workloads", name, "jwt", index, "jwks", "file"), trust.jwks.file


def _is_key_set(path: Path) -> bool:
    try:
        keys_of(path.read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _is_authority(path: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(path)
    except OSError:
        return False
    return True


def shared_secret(policy: Path, gateway: GatewaySection, environ: Mapping[str, str]) -> bytes:
    """The secret that the policy gives the gateway; empty where it gives none. Raises PolicyError where it cannot be read."""
    reference = gateway.secret
    if reference is None:
        return b""
    text, problem = line_of(reference.env, str(policy.parent / reference.file) if reference.file else "", environ)
    if not problem and len(text) < SIZE:
        problem = f"it has fewer than {SIZE} characters"
    if problem:
        repair = "give one line of at least 32 characters: `openssl rand -hex 32`"
        raise PolicyError((Problem(code="E_SECRET", message=f"gateway.secret: {problem}", repair=repair, file=str(policy)),))
    return text.encode()
