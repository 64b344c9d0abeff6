"""Settings of providers in a policy file. Field descriptions become the reference."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, IPvAnyNetwork, StringConstraints, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from outgate.dialects.registry import conversations, provider_dialects
from outgate.dialects.translation import LOSSES
from outgate.inference.names import ModelName, StageName
from outgate.pipeline.stage import Settings
from outgate.policy.backend_words import provider_schema, provider_words, tls_schema, tls_words
from outgate.policy.binding_settings import PassThroughSection, PlaceholderName, PlaceholderSection
from outgate.policy.credential_settings import CredentialSection, Seconds
from outgate.policy.replica_settings import HostPort, ReplicasSection

type Host = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9._:-]+$", min_length=1, max_length=253),
    Field(description="a host name in lower case, without scheme or path", examples=["api.openai.com"]),
]
type BasePath = Annotated[
    str,
    StringConstraints(pattern=r"^(/|(/[A-Za-z0-9._~-]+)+)?$"),
    Field(description="a path that begins with a slash; `/` is the root", examples=["/", "/api/v1"]),
]
type PathPrefix = Annotated[
    str,
    StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]+)*$"),
    Field(description="a path that begins with a slash and ends without one", examples=["/openai"]),
]
type VertexName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.:-]*$")]
type AzureVersion = Annotated[str, StringConstraints(pattern=r"^(\d{4}-\d\d-\d\d(-preview)?)?$"), Field(examples=["2024-10-21"])]


def _known(dialect: str) -> str:
    if dialect not in provider_dialects():
        raise PydanticCustomError("literal_error", "no such dialect")
    return dialect


def _known_api(name: str) -> str:
    if name not in conversations():
        raise PydanticCustomError("literal_error", "no such API")
    return name


type DialectName = Annotated[str, AfterValidator(_known), WithJsonSchema({"type": "string", "enum": list(provider_dialects())})]
type AddressRange = Annotated[IPvAnyNetwork, Field(examples=["10.0.0.0/8"])]
type Port = Annotated[int, Field(ge=1, le=65535)]
type Pin = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$"),
    Field(examples=["d6qzRu9zOECb90Uez27xWltNsj0e1Md7GkYYkVoZWmM="]),
]
type Dollars = Annotated[float, Field(ge=0)]
type StageSettings = dict[str, Any] | Literal[False] | None


class TlsSection(Settings):
    """How the connection to the provider is protected."""

    model_config = ConfigDict(json_schema_extra=tls_schema)

    enabled: bool = True
    """Off only for servers inside the cluster that speak plain HTTP."""
    sni: str = ""
    """The server name sent and verified; the provider's `host` when empty."""
    ca: str | tuple[str, ...] = ()
    """PEM files that replace the public roots."""
    client_certificate: str = ""
    """PEM file of the certificate presented to the provider."""
    client_key: str = ""
    """PEM file of its key."""
    san: tuple[str, ...] = ()
    """Names of which the provider's certificate must carry one, instead of the SNI."""
    minimum: Literal["1.2", "1.3"] = "1.2"
    """The lowest TLS version."""
    pins: tuple[Pin, ...] = ()
    """Keys of which one must stand in the provider's chain, besides all other checks: base64 of the SHA-256 of a
    SubjectPublicKeyInfo, the `pin-sha256` of RFC 7469. Give a spare one too."""
    crl: tuple[str, ...] = ()
    """PEM files of revocation lists, one of the authority that issued the provider's certificate."""

    @model_validator(mode="before")
    @classmethod
    def _words_of_gateway_api(cls, written: Any) -> Any:
        return tls_words(written)

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> Self:
        if bool(self.client_certificate) != bool(self.client_key):
            raise ValueError("client_certificate and client_key come together")
        return self


class EndpointSection(Settings):
    """One address that serves the provider."""

    address: HostPort
    """`host:port` that is dialled; the provider's own name stays the Host, the SNI and the verified name."""
    name: str = ""
    """Shown in logs and metrics; the address when empty."""


class TimeoutSection(Settings):
    """Seconds per phase of a call."""

    connect: Seconds = 5.0
    """Name look-up and TCP connect."""
    tls: Seconds = 5.0
    """TLS handshake."""
    head: Seconds = 300.0
    """Request sent to response head."""
    idle: Seconds = 120.0
    """Silence between two pieces of the answer."""
    total: Seconds = 900.0
    """The whole call."""


class PriceSection(Settings):
    """What a model costs, in US dollars per million tokens."""

    input: Dollars
    """Input tokens."""
    output: Dollars
    """Output tokens."""
    cached: Dollars | None = None
    """Input tokens that the provider had in its cache; as `input` when absent."""
    cache_write: Dollars | None = None
    """Input tokens that the provider wrote to its cache; as `input` when absent."""


def _lost(noun: str) -> str:
    if noun not in LOSSES:
        raise PydanticCustomError("literal_error", "no such loss")
    return noun


type LossName = Annotated[str, AfterValidator(_lost), WithJsonSchema({"type": "string", "enum": sorted(LOSSES)})]
type ApiName = Annotated[str, AfterValidator(_known_api), WithJsonSchema({"type": "string", "enum": list(conversations())})]


class TranslationSection(Settings):
    """How requests in other dialects reach the provider: see docs/translation.md."""

    apis: tuple[ApiName, ...] = ()
    """The APIs of its dialect that it has, the one to translate to first; empty, all of them. `[openai]` is a server that has chat
    completions and no Responses, `[responses, openai]` one that is to be asked by Responses. One that has another dialect's API as
    well is asked in that by who speaks it."""
    drop: tuple[LossName, ...] = ()
    """What may be lost on the way; a request that would lose anything else is refused (`translation_loss`)."""
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """The most output where neither the caller nor a budget set a maximum and the provider's API needs one; by default 8192."""


class VertexSection(Settings):
    """Models on Vertex AI: see docs/providers.md."""

    project: VertexName
    """The project that is billed."""
    location: VertexName
    """A region, such as `us-central1`, or `global`; the host is that of the region."""


type RegionName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{0,40}$")]


class ProviderSection(Settings):
    """One provider: the name policies use for it stands as its key."""

    model_config = ConfigDict(json_schema_extra=provider_schema)

    host: Host
    """Its own name, lower case: Host header, SNI and verified name."""
    port: Port = 443
    """Its own port."""
    dialect: DialectName = "openai"
    """The API it speaks; `none` for anything that is not inference."""
    region: RegionName = ""
    """Where it processes what it is sent, in a word of yours (`eu`): a route with `regions` sends to no other."""
    path_prefix: PathPrefix = ""
    """Put before every path, `/openai` for example."""
    base_path: BasePath = ""
    """Where it has what OpenAI has at `/v1`: `/` for `/chat/completions`, `/api/v1` for `/api/v1/chat/completions`. Its clients ask
    there, and are read; requests that are routed to it go there. `paths` of a policy name them at `/v1`."""
    azure_api_version: AzureVersion = ""
    """The `api-version` of an Azure OpenAI resource, asked at `/openai/deployments/MODEL/…`; API v1: `path_prefix: /openai`."""
    vertex: VertexSection | None = None
    """Where its models are on Vertex AI, with `dialect: gemini` or `anthropic`; the credential is then an OAuth 2 token."""
    aliases: tuple[Host, ...] = ()
    """Cluster-local names, `host` or `host:port`, by which workloads may address it."""
    tls: TlsSection = Field(default_factory=TlsSection)
    """How the connection is protected."""
    endpoints: tuple[EndpointSection, ...] = ()
    """Addresses that serve it; its own `host:port` when empty."""
    replicas: ReplicasSection = Field(default_factory=ReplicasSection)
    """Addresses that change, and the health of all of them."""
    allow_addresses: tuple[AddressRange, ...] = ()
    """Address ranges, in CIDR, that may be dialled although they are not public."""
    credential: CredentialSection | None = None
    """What is presented to it in place of the workload's own credential, which never travels."""
    placeholders: dict[PlaceholderName, PlaceholderSection] = Field(default_factory=dict)
    """Secrets that workloads hold, each in place of a credential that is put in at the wire: docs/credentials.md."""
    pass_through: tuple[PassThroughSection, ...] = ()
    """Whose own tokens go on to it, those of a subscription for example; nobody's unless they stand here."""
    stream_uploads: bool = False
    """Send bodies on as they come, of any size and **unread** (`git push`, images, objects), with `dialect: none`. Nothing of them
    is sent twice, and no placeholder stands in them. The route must admit `opaque`."""
    timeouts: TimeoutSection = Field(default_factory=TimeoutSection)
    """Seconds per phase."""
    translation: TranslationSection = Field(default_factory=TranslationSection)
    """How requests in other dialects reach it."""
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 256
    """Concurrent requests per endpoint."""
    prices: dict[ModelName, PriceSection] = Field(default_factory=dict)
    """Models by the name the provider knows them by, where the prices that come with Outgate are not yours."""
    stages: dict[StageName, StageSettings] = Field(default_factory=dict)
    """Stage settings where this provider is addressed; they merge with those of the policy's `stages`, `false` removes."""
    replace: tuple[StageName, ...] = ()
    """Stages whose settings here stand alone: nothing of the policy's stays."""

    @property
    def is_inside(self) -> bool:
        """Whether it is a server of the operator's own: nothing else has addresses that are not public, or speaks plain HTTP."""
        return bool(self.allow_addresses) or not self.tls.enabled

    @model_validator(mode="before")
    @classmethod
    def _words_of_gateway_api(cls, written: Any) -> Any:
        return provider_words(written)

    @model_validator(mode="after")
    def _places_of_its_kind(self) -> Self:
        if self.dialect != "none" and any("stands_in" in each.model_fields_set for each in self.placeholders.values()):
            raise ValueError("stands_in is for a provider of dialect none: elsewhere a placeholder stands as API key")
        return self

    @model_validator(mode="after")
    def _streams_what_nobody_reads(self) -> Self:
        if not self.stream_uploads:
            return self
        if self.dialect != "none":
            raise ValueError("stream_uploads is for a provider of dialect none: what is read is not streamed")
        held = [self.credential, *(each.credential for each in self.placeholders.values())]
        if any(each.stands_in.body for each in self.placeholders.values()) or any(each and each.sigv4 for each in held):
            raise ValueError("stream_uploads: in a streamed body no placeholder stands (stands_in.body), and sigv4 cannot sign one")
        return self

    @model_validator(mode="after")
    def _one_cloud(self) -> Self:
        if self.vertex is not None and (self.dialect not in ("gemini", "anthropic") or self.azure_api_version):
            raise ValueError("`vertex` is for providers of the dialects gemini and anthropic")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.base_path and (self.dialect != "openai" or self.azure_api_version or self.path_prefix):
            raise ValueError("`base_path` is for providers of the dialect openai, without path_prefix and azure_api_version")
        return self
