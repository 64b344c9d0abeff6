"""Backends, their endpoints, names, TLS and credential, as frozen values: everything that may be dialled.

One backend decides dial address, Host, SNI, verified names and credential together, so that they can never disagree.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from outgate.errors import OutgateError, PolicyError, Problem
from outgate.net.addresses import Network
from outgate.upstreams.bindings import PassThrough, Placeholder
from outgate.upstreams.fetched.settings import FetchedSettings
from outgate.upstreams.replica_settings import ReplicaSettings
from outgate.upstreams.signing import SigningScope
from outgate.upstreams.vertex import VertexPlace

_ALPN = ("http/1.1",)
_OWN_NAMES = "give it at least one endpoint, each with a name of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address of a backend: a DNS name or an IP literal, looked up and judged when it is dialled.

    `work`, of a picked one, is how many tokens it will have to read for the request.
    """

    name: str
    host: str
    port: int
    work: int = field(default=0, compare=False)

    @property
    def address(self) -> str:
        """`host:port`, as attempts tell it."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How the connection to a backend is protected.

    `sni` is sent and verified (the host when empty), or one of `san`. PEM files: `ca_files` replace the public roots, `certificate`
    and `key` are the client's, `crl_files` list what is revoked. The chain has one of `pins`. `content` names what they hold.
    """

    enabled: bool = True
    sni: str = ""
    ca_files: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""
    san: tuple[str, ...] = ()
    minimum: str = "1.2"
    pins: tuple[str, ...] = ()
    crl_files: tuple[str, ...] = ()
    content: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origination:
    """The names and TLS of the connections to one backend: the fact `wire.origination`, by which the client dials.

    `host` is the Host header, `sni` the server name sent (empty without TLS). The certificate must carry one of `verified`: where
    there is none, there is no connection. `alpn` is offered in order. Of `tls` roots, client certificate and minimum are taken.
    """

    host: str
    sni: str
    verified: tuple[str, ...]
    alpn: tuple[str, ...]
    tls: TlsSettings

    def __hash__(self) -> int:
        """Cheap, as that of the backend: equality still compares every field."""
        return hash((self.host, self.sni))


class MisdirectedError(OutgateError):
    """A request was about to be sent under names that are not those of its backend. Nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds per phase: TCP connect (with the look-up and the wait for a free slot), TLS handshake, request sent to response head,
    silence between two pieces of the answer, and the whole call.
    """

    connect: float = 5.0
    tls: float = 5.0
    head: float = 300.0
    idle: float = 120.0
    total: float = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """How a credential is fetched, and the hosts that may be called for it."""

    settings: FetchedSettings
    hosts: tuple["Backend", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where keys are read from: exactly one of an environment variable, a file, a directory with a file for each key, a command
    that prints one, and a grant by which one is fetched. `every` is the number of seconds after which the command is run again.
    """

    env: str = ""
    file: str = ""
    directory: str = ""
    command: tuple[str, ...] = ()
    every: float = 300.0
    grant: Grant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialReference(KeySource):
    """Where a backend's credential is read from: one source, or several in `keys`.

    `header` and `prefix` name the field it travels in; empty, the dialect decides (`authorization: Bearer …`, `x-api-key: …`).
    Tokens that are fetched are bearer tokens whatever the dialect. With `sigv4` it is the keys that sign, and never travels.
    `rest` is for how many seconds a key that met its limit is spared, where the provider does not say.
    """

    keys: tuple[KeySource, ...] = ()
    rest: float = 60.0
    header: str = ""
    prefix: str = ""
    sigv4: SigningScope | None = None

    @property
    def sources(self) -> tuple[KeySource, ...]:
        return self.keys or (self,)

    @property
    def bears(self) -> bool:
        """Whether it is a bearer token."""
        return all(source.grant is not None for source in self.sources)

    @property
    def waits(self) -> bool:
        """Whether a key may have to be waited for."""
        return any(source.command or source.grant is not None for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Translating:
    """How requests in other dialects reach a backend: the APIs that it has (empty: all of its dialect), the losses that policy
    accepts, and the most output where nobody set a maximum (None: what the dialect says).
    """

    apis: tuple[str, ...] = ()
    drop: frozenset[str] = frozenset()
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """One provider as it is called: everything the provider, the network and TLS see of a request comes from here.

    `host` and `port` are the provider's own name: the Host header, the SNI and the verified name, whatever is dialled. `aliases`
    are `host` or `host:port` names by which a workload may address it. `allow_addresses` opens ranges that are not public.
    `base_path` is where it has what its API's documentation has at `/v1`; there where empty.
    `azure_version` is the `api-version` of a resource of Azure OpenAI, where requests go to its deployments, `vertex` the place on
    Vertex AI. `placeholders` stand each for the credential beside it, `pass_through` says whose own tokens go on. With
    `stream_uploads` bodies that nobody reads are sent on as they come. `origination` follows from these, and is made once.
    """

    name: str
    provider: str
    dialect: str
    host: str
    port: int = 443
    path_prefix: str = ""
    base_path: str = ""
    azure_version: str = ""
    vertex: VertexPlace | None = None
    tls: TlsSettings = field(default_factory=TlsSettings)
    endpoints: tuple[Endpoint, ...] = ()
    credential: CredentialReference | None = None
    placeholders: tuple[tuple[Placeholder, CredentialReference], ...] = ()
    pass_through: tuple[PassThrough, ...] = ()
    allow_addresses: tuple[Network, ...] = ()
    aliases: tuple[str, ...] = ()
    stream_uploads: bool = False
    max_in_flight: int = 256
    timeouts: Timeouts = field(default_factory=Timeouts)
    translating: Translating = field(default_factory=Translating)
    replicas: ReplicaSettings = field(default_factory=ReplicaSettings)
    origination: Origination = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        sni = self.server_name if self.tls.enabled else ""
        verified = (self.tls.san or (sni,)) if sni else ()
        made = Origination(host=self.authority, sni=sni, verified=verified, alpn=_ALPN if sni else (), tls=self.tls)
        object.__setattr__(self, "origination", made)

    def __hash__(self) -> int:
        """Cheap: backends key the pools, once per request. Equality still compares every field."""
        return hash((self.name, self.host, self.port))

    @property
    def authority(self) -> str:
        """The Host header (RFC 9110 section 7.2): the port only where it is not the scheme's default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls.enabled else 80) else f"{host}:{self.port}"

    @property
    def server_name(self) -> str:
        """The name sent as SNI."""
        return self.tls.sni or self.host


class Catalog:
    """Every backend of a policy. Raises PolicyError, with all problems, where names are not unique or an endpoint is missing."""

    def __init__(self, backends: Iterable[Backend] = ()) -> None:
        self.backends = tuple(backends)
        problems = (*self._names(), *self._endpoints(), *self._aliases())
        if problems:
            raise PolicyError(problems)

    def by_name(self, name: str) -> Backend | None:
        return self._by_name.get(name)

    def by_provider(self, provider: str) -> tuple[Backend, ...]:
        """The backends of a provider, in the policy's order."""
        return self._by_provider.get(provider, ())

    def by_destination(self, authority: str) -> Backend | None:
        """The first backend whose own name or alias is this canonical `host:port`."""
        return self._by_destination.get(authority)

    @cached_property
    def _by_name(self) -> dict[str, Backend]:
        return {backend.name: backend for backend in self.backends}

    @cached_property
    def _by_provider(self) -> dict[str, tuple[Backend, ...]]:
        found: dict[str, tuple[Backend, ...]] = {}
        for backend in self.backends:
            found[backend.provider] = (*found.get(backend.provider, ()), backend)
        return found

    @cached_property
    def _by_destination(self) -> dict[str, Backend]:
        found: dict[str, Backend] = {}
        for backend in self.backends:
            for name in destinations(backend):
                found.setdefault(name, backend)
        return found

    def _names(self) -> list[Problem]:
        names = [backend.name for backend in self.backends]
        return [
            Problem(code="E_BACKEND_TWICE", message=f"two backends are named {name!r}", repair="rename one of them")
            for name in sorted({name for name in names if names.count(name) > 1})
        ]

    def _endpoints(self) -> list[Problem]:
        problems = []
        for backend in self.backends:
            names = [endpoint.name for endpoint in backend.endpoints]
            if not names or len(set(names)) != len(names):
                problem = "has no endpoint" if not names else "names two endpoints alike"
                problems.append(Problem(code="E_ENDPOINTS", message=f"backend {backend.name!r} {problem}", repair=_OWN_NAMES))
        return problems

    def _aliases(self) -> list[Problem]:
        """Two backends may share a provider's real name (two keys of one provider); an alias names one backend only."""
        owners: dict[str, set[str]] = {alias: set() for backend in self.backends for alias in _with_ports(backend.aliases)}
        for backend in self.backends:
            for name in owners.keys() & destinations(backend):
                owners[name].add(backend.name)
        return [
            Problem(
                code="E_ALIAS_TWICE",
                message=f"{alias} is the name or an alias of {', '.join(sorted(names))}",
                repair="keep it at one of them",
            )
            for alias, names in sorted(owners.items())
            if len(names) > 1
        ]


def destinations(backend: Backend) -> tuple[str, ...]:
    """Every canonical `host:port` by which a workload may address the backend: its own name first, then its aliases.

    An alias without a port stands for both 80 and 443, for inside a cluster the gateway is addressed in plain HTTP as well.
    """
    host = f"[{backend.host}]" if ":" in backend.host else backend.host
    return (f"{host}:{backend.port}", *_with_ports(backend.aliases))


def _with_ports(aliases: Iterable[str]) -> tuple[str, ...]:
    return tuple(
        name for alias in aliases for name in ((alias,) if alias.rpartition(":")[2].isdigit() else (f"{alias}:443", f"{alias}:80"))
    )
