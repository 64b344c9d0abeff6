"""Convert validated sections to backends, workloads and prices. Paths are relative to the folder of the policy file."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from outgate.errors import PolicyError
from outgate.identity.workloads import JwtTrust, Workload, Workloads
from outgate.metering.price_list import Price
from outgate.model_server.embedders import ONNX, Embedder, Embedders
from outgate.policy.binding_settings import pass_through_of, placeholder_of
from outgate.policy.credential_settings import CredentialSection
from outgate.policy.credential_values import credential_of, token_url_problem
from outgate.policy.files import at, content_of
from outgate.policy.provider_settings import (
    EndpointSection,
    PriceSection,
    ProviderSection,
    TlsSection,
    TranslationSection,
)
from outgate.policy.schema import JwtSection, ModelSection, PolicySection, WorkloadSection
from outgate.policy.source import Place, Source
from outgate.upstreams.catalog import Backend, Catalog, Endpoint, Timeouts, TlsSettings, Translating
from outgate.upstreams.replica_settings import HealthSettings, ReplicaSettings, ShedSettings
from outgate.upstreams.vertex import VertexPlace


def catalog_of(source: Source, policy: PolicySection) -> Catalog:
    """Raises PolicyError where names are not unique."""
    folder = Path(source.file).parent
    try:
        bare = [_backend(name, section, folder) for name, section in policy.providers.items()]
        own = {f"{backend.host}:{backend.port}": backend for backend in reversed(bare)}
        problems = [
            token_url_problem(name, each, own) for name, section in policy.providers.items() for each in _credentials(section)
        ]
        if found := tuple(filter(None, problems)):
            raise PolicyError(found)
        return Catalog(
            _credited(backend, section, folder, own) for backend, section in zip(bare, policy.providers.values(), strict=True)
        )
    except PolicyError as error:
        raise PolicyError(
            tuple(
                source.problem(each.code, each.message, _claim(source, policy, each.message), each.repair)
                for each in error.problems
            )
        ) from error


def _credentials(section: ProviderSection) -> Iterator[CredentialSection | None]:
    """That of a provider, and those of its placeholders."""
    yield section.credential
    yield from (held.credential for held in section.placeholders.values())


def _credited(backend: Backend, section: ProviderSection, folder: Path, own: Mapping[str, Backend]) -> Backend:
    """The backend with its credential and those of its placeholders."""
    held = [
        (placeholder_of(name, each), credential_of(each.credential, folder, own)) for name, each in section.placeholders.items()
    ]
    placeholders = tuple((placeholder, reference) for placeholder, reference in held if reference is not None)
    return replace(backend, credential=credential_of(section.credential, folder, own), placeholders=placeholders)


def _claim(source: Source, policy: PolicySection, message: str) -> Place:
    """Where the last of the providers that the message names writes aliases, else where it stands."""
    places: list[Place] = [("providers", name, "aliases") for name in policy.providers if name in message]
    return next((place for place in reversed(places) if place in source.lines), places[-1] if places else ("providers",))


def workloads_of(source: Source, policy: PolicySection) -> Workloads:
    """The workloads of a policy, by what they may present."""
    folder = Path(source.file).parent
    return Workloads(_workload(name, section, folder) for name, section in policy.workloads.items())


def prices_of(policy: PolicySection) -> dict[tuple[str, str], Price]:
    """The policy's own prices by (provider, model)."""
    return {
        (provider, model): _price(each) for provider, section in policy.providers.items() for model, each in section.prices.items()
    }


def embedders_of(source: Source, policy: PolicySection) -> Embedders:
    """The models that embed texts, by name."""
    folder = Path(source.file).parent
    return Embedders({name: _embedder(section, folder) for name, section in policy.models.items()})


def _embedder(section: ModelSection, folder: Path) -> Embedder:
    if section.engine == ONNX:
        return Embedder.packaged(section.precision)
    return Embedder.in_folder((folder / section.path).absolute())


def _price(section: PriceSection) -> Price:
    cached, written = (None if each is None else Decimal(str(each)) for each in (section.cached, section.cache_write))
    return Price.flat(Decimal(str(section.input)), Decimal(str(section.output)), cached, written)


def _backend(name: str, section: ProviderSection, folder: Path) -> Backend:
    endpoints = section.endpoints or (EndpointSection(address=_authority(section.host, section.port), name=name),)
    return Backend(
        name=name,
        provider=name,
        dialect=section.dialect,
        host=section.host,
        port=section.port,
        path_prefix=section.path_prefix,
        base_path=section.base_path,
        azure_version=section.azure_api_version,
        vertex=VertexPlace(section.vertex.project, section.vertex.location) if section.vertex is not None else None,
        tls=_tls(section.tls, folder),
        endpoints=tuple(_endpoint(each) for each in endpoints),
        pass_through=tuple(map(pass_through_of, section.pass_through)),
        allow_addresses=section.allow_addresses,
        aliases=section.aliases,
        stream_uploads=section.stream_uploads,
        max_in_flight=section.max_in_flight,
        timeouts=Timeouts(**section.timeouts.model_dump()),
        translating=_translating(section.translation),
        replicas=_replicas(section, folder),
    )


def _replicas(section: ProviderSection, folder: Path) -> ReplicaSettings:
    told, listed = section.replicas, bool(section.replicas.dns or section.replicas.file)
    return ReplicaSettings(
        dns=told.dns,
        file=at(folder, told.file),
        every=told.every,
        fixed=bool(section.endpoints) or not listed,
        metrics_path=told.metrics_path,
        metrics_every=told.metrics_every,
        health=HealthSettings(**told.health.model_dump()),
        shed=ShedSettings(**told.shed.model_dump()) if told.shed is not None else None,
    )


def _translating(section: TranslationSection) -> Translating:
    return Translating(apis=section.apis, drop=frozenset(section.drop), max_tokens=section.max_tokens)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _endpoint(section: EndpointSection) -> Endpoint:
    host, _, port = section.address.rpartition(":")
    return Endpoint(name=section.name or section.address, host=host.strip("[]"), port=int(port))


def _tls(section: TlsSection, folder: Path) -> TlsSettings:
    files = (section.ca,) if isinstance(section.ca, str) else section.ca
    named = tuple(at(folder, file) for file in files if file)
    revoked = tuple(at(folder, file) for file in section.crl)
    certificate, key = at(folder, section.client_certificate), at(folder, section.client_key)
    return TlsSettings(
        enabled=section.enabled,
        sni=section.sni,
        ca_files=named,
        certificate=certificate,
        key=key,
        content=content_of(*named, *revoked, *filter(None, (certificate, key))),
        pins=section.pins,
        crl_files=revoked,
        san=section.san,
        minimum=section.minimum,
    )


def _workload(name: str, section: WorkloadSection, folder: Path) -> Workload:
    return Workload(
        name=name,
        tenant=section.tenant,
        groups=frozenset(section.groups),
        token_hashes=frozenset(section.token_hashes),
        certificates=frozenset(section.certificates),
        jwt=tuple(_trust(each, folder) for each in section.jwt),
        priority=section.priority,
    )


def _trust(section: JwtSection, folder: Path) -> JwtTrust:
    return JwtTrust(
        issuer=section.issuer,
        audience=section.audience,
        jwks_file=at(folder, section.jwks.file),
        jwks_provider=section.jwks.provider or "",
        jwks_path=section.jwks.path,
        claims=tuple(sorted(section.claims.items())),
        groups_claim=section.groups_claim,
        algorithms=section.algorithms,
    )
