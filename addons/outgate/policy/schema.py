"""Settings of a policy file. Frozen, unknown keys refused, field descriptions become the reference and the JSON Schema."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from outgate.identity.workloads import ALGORITHMS, Kept
from outgate.inference.names import GroupName, ProviderName, StageName, WorkloadName
from outgate.inference.operation import Kind
from outgate.inference.principal import Priority
from outgate.pipeline.stage import Settings
from outgate.policy.credential_settings import Seconds, Variable
from outgate.policy.provider_settings import ProviderSection, RegionName, StageSettings
from outgate.policy.replica_settings import HostPort
from outgate.policy.retry_settings import RetrySection


def _is_time(entry: str) -> str:
    Kept.read(entry)
    return entry


type Name = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"),
    Field(description="a name of letters, digits, dots, dashes and underscores", examples=["research"]),
]
type TokenHash = Annotated[
    str,
    StringConstraints(pattern=r"^sha256:[0-9a-f]{64}( until 20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ)?$"),
    AfterValidator(_is_time),
    Field(
        description="what `outgate workload add NAME` writes: `sha256:` and 64 hex digits, and ` until` a time if it expires",
        examples=["sha256:HEX until 2027-01-31T00:00:00Z"],
    ),
]
type Positive = Annotated[int, Field(ge=1)]
type Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]+$"), Field(description="a method in upper case", examples=["POST"])]
type Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=512), Field(description="a name or pattern", examples=["/v1/**"])
]


class LimitsSection(Settings):
    """Bounds on every client, before any stage."""

    body_bytes: Positive = 8 * 1024 * 1024
    """Largest request body, without the images, audio and files in it."""
    media_bytes: Positive = 32 * 1024 * 1024
    """Largest request body on a route that admits images, audio or files; never less than `body_bytes`, nor more than a sixth of
    `buffered_bytes`."""
    buffered_bytes: Positive = 192 * 1024 * 1024
    """Memory for the requests that one worker holds at once, from their first byte to the answer's head: twice the body where it is
    plain text, more for other characters and for many small values. A workload may hold as much as is still free, half of
    all when alone. What would exceed that is refused. At least four times `body_bytes`."""
    head_bytes: Positive = 64 * 1024
    """Largest request head."""
    head_seconds: Seconds = 10.0
    """For a request head to arrive."""
    body_seconds: Seconds = 60.0
    """For a request body to arrive."""
    idle_seconds: Seconds = 600.0
    """A client connection without a request is closed after this; after `head_seconds`, until a request on it was authenticated."""
    exchange_seconds: Seconds = 900.0
    """A whole exchange, attempts and stream included."""
    connections: Positive = 4096
    """Client connections per worker. No workload, and no address that is not authenticated yet (an IPv6 /64 is one), holds more of
    them than are still free, half of all when alone; its idle ones make room for its next."""

    @property
    def largest(self) -> int:
        """The most that any request body may have."""
        return max(self.body_bytes, min(self.media_bytes, self.buffered_bytes // 6))

    @model_validator(mode="after")
    def _largest_body_fits(self) -> Self:
        if self.buffered_bytes < 4 * self.body_bytes:
            raise ValueError("buffered_bytes is less than four times body_bytes: the largest bodies would always be refused")
        return self


class SecretSection(Settings):
    """Where a secret is read from: one line of at least 32 printable ASCII characters (`openssl rand -hex 32`)."""

    env: Variable = ""
    """An environment variable."""
    file: str = ""
    """A file of one line, path from the policy's folder."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.env) == bool(self.file):
            raise ValueError("name exactly one of env and file")
        return self


class TelemetrySection(Settings):
    """Hosts that clients tell of themselves, none of which is a provider. Patterns of host names: `*` stands for anything."""

    answer: tuple[Pattern, ...] = ()
    """Answered in their place, with 200 `{}` or 204, and thrown away: their clients neither fail nor try again."""
    silence: tuple[Pattern, ...] = ()
    """Refused with 403 at CONNECT. Neither kind leaves a closing line; `outgate_exchanges_total` counts both by `outcome`."""


class CachedAnswersSection(Settings):
    """Bounds on the file of cached answers, which all routes and all workers of a machine share."""

    max_entries: Positive = 100_000
    """Answers; of the tenant that holds most, those used longest ago leave first."""
    max_bytes: Annotated[int, Field(ge=1024 * 1024)] = 1024 * 1024 * 1024
    """What they take of the disk at most, compressed."""


class GatewaySection(Settings):
    """The gateway's own listeners and bounds."""

    listen: HostPort = "127.0.0.1:8080"
    """`host:port` of the listener for CONNECT, absolute-form and base-URL clients."""
    transparent: HostPort | None = None
    """`host:port` of the listener for redirected connections; none when absent."""
    client_ca: str = ""
    """Authorities (PEM) of client certificates, which a workload may present to the gateway itself (`HTTPS_PROXY=https://…`), path
    from the policy's folder; read at start. Absent, none is asked for."""
    secret: SecretSection | None = None
    """The secret behind placeholders and other keyed digests, for replicas that must agree on them; read at start. Absent, each
    state folder has its own, in the file `secret`."""
    refuse_inside_tunnel: bool = True
    """Tell a known workload inside the tunnel that it may not go there, in its SDK's own error type: at port 443 of a public host
    name. Nothing is resolved or dialled. False refuses every such CONNECT."""
    pinned_hosts: tuple[Pattern, ...] = ()
    """Hosts whose clients trust one certificate only, so that they could not be told inside: refused at CONNECT. Same patterns."""
    telemetry_hosts: TelemetrySection = Field(default_factory=TelemetrySection)
    """What becomes of telemetry that workloads send to hosts that are no providers."""
    limits: LimitsSection = Field(default_factory=LimitsSection)
    """Bounds on every client."""
    cached_answers: CachedAnswersSection = Field(default_factory=CachedAnswersSection)
    """Bounds on what the cache keeps."""


class JwksSection(Settings):
    """Where an issuer's keys are: a file, or a path of a provider of this policy, fetched under the same rules as all else."""

    file: str = ""
    """A JWK set on disk (RFC 7517)."""
    provider: ProviderName | None = None
    """The provider that publishes it."""
    path: str = ""
    """Its path there, `/.well-known/jwks.json` for example."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if bool(self.file) == bool(self.provider) or bool(self.provider) != bool(self.path):
            raise ValueError("name either file, or provider and path")
        return self


class JwtSection(Settings):
    """JWTs (RFC 7519) that stand for the workload. `exp` is always required, `nbf` honoured."""

    issuer: Annotated[str, StringConstraints(min_length=1)]
    """The exact `iss`."""
    audience: Annotated[str, StringConstraints(min_length=1)]
    """The `aud` it must carry."""
    jwks: JwksSection
    """The issuer's keys."""
    claims: dict[str, str] = Field(default_factory=dict)
    """Claims and the exact values they must have: which of the issuer's tokens are this workload's."""
    groups_claim: str = ""
    """A claim, a list of strings, whose values become groups of the caller."""
    algorithms: tuple[str, ...] = ("RS256", "ES256", "EdDSA")
    """Signature algorithms; asymmetric ones only."""

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value or set(value) - set(ALGORITHMS):
            raise ValueError(f"algorithms must be of {', '.join(ALGORITHMS)}")
        return value


class WorkloadSection(Settings):
    """One workload: its name, which is also the user name it presents, stands as its key."""

    tenant: Name = "default"
    """What caches and memos never cross."""
    groups: tuple[Name, ...] = ()
    """Groups that rules and routes may name."""
    token_hashes: tuple[TokenHash, ...] = ()
    """Digests of its tokens, written by `outgate workload add`; several while one is being rotated. `--expires` writes when one
    expires beside it."""
    certificates: tuple[str, ...] = ()
    """SPIFFE ids or subjects of client certificates."""
    jwt: tuple[JwtSection, ...] = ()
    """JWTs that stand for it."""
    priority: Priority = Priority.NORMAL
    """Whose requests leave a crowded pool first, where its provider has `replicas: {shed: …}`: low, then normal, never high."""


class MatchSection(Settings):
    """Which requests a route takes. What is absent matches everything; of a list, one entry must match."""

    destinations: tuple[ProviderName, ...] = ()
    """Providers that were addressed."""
    paths: tuple[Pattern, ...] = ()
    """Paths without query: `*` stands for anything but a slash, `**` for anything."""
    methods: tuple[Method, ...] = ()
    """Request methods."""
    kinds: tuple[Kind, ...] = ()
    """Kinds of work: chat, embeddings, models, opaque."""
    models: tuple[Pattern, ...] = ()
    """Model names as the caller asked for them, same patterns."""
    workloads: tuple[WorkloadName, ...] = ()
    """Workloads that ask."""
    groups: tuple[GroupName, ...] = ()
    """Groups one of which the caller is in."""


class RouteSection(Settings):
    """One route. The first that matches, in file order, takes the request; none means the request is denied."""

    name: Name
    """Shown in logs, metrics and the plan."""
    match: MatchSection = Field(default_factory=MatchSection)
    """Which requests it takes."""
    inherit: bool | tuple[StageName, ...] = True
    """Which stages it takes over from the policy and the provider: all, none, or those named. Stages that come by themselves
    (`model_map`, `admit_parts` and others) keep the settings that the policy gives them in any case."""
    stages: dict[StageName, StageSettings] = Field(default_factory=dict)
    """Stage settings for this route. They merge with inherited ones: keys that are written here count, all others stay, in mappings
    within them too; a list is written anew. `false` removes a stage."""
    replace: tuple[StageName, ...] = ()
    """Stages whose settings here stand alone: nothing of inherited ones stays."""
    pin: tuple[StageName, ...] = ()
    """An order of stages to insist on; it is checked, never trusted."""
    after: dict[StageName, tuple[StageName | Literal["*"], ...]] = Field(default_factory=dict)
    """Stage name to stages it must run after, where the contracts leave a choice."""
    regions: tuple[RegionName, ...] = ()
    """Regions of the providers that it may send to: addressed ones, targets of `model_map`, services that stages ask. A policy in
    which it could leave them is refused."""
    retry: RetrySection = Field(default_factory=RetrySection)
    """What is tried again after a failure, and how often."""


class ModelSection(Settings):
    """A model that turns texts into vectors. Nothing is downloaded: it is in an installed package or in a folder."""

    engine: Literal["onnx", "sentence-transformers"] = "onnx"
    """`onnx`: all-MiniLM-L6-v2, which comes with outgate. `sentence-transformers`: a model of your own, on PyTorch, which
    `pip install outgate[sentence-transformers]` brings."""
    precision: Literal["int8", "fp32"] = "int8"
    """Of `onnx`: `fp32` is exact, takes twice the time and four times the memory."""
    path: str = ""
    """Of `sentence-transformers`: the folder of the model, path from the policy's folder."""

    @model_validator(mode="after")
    def _of_its_engine(self) -> Self:
        if (self.engine == "onnx") == bool(self.path):
            raise ValueError("`path` is of the engine sentence-transformers, which needs it")
        if self.engine != "onnx" and "precision" in self.model_fields_set:
            raise ValueError("`precision` is of the engine onnx")
        return self


class PolicySection(Settings):
    """A whole policy file."""

    version: Literal[1] = 1
    """Version of this format."""
    gateway: GatewaySection = Field(default_factory=GatewaySection)
    """Listeners and bounds."""
    providers: dict[Name, ProviderSection] = Field(default_factory=dict)
    """Who may be called: name to provider. Nothing else is ever dialled."""
    workloads: dict[Name, WorkloadSection] = Field(default_factory=dict)
    """Who may call: name to workload."""
    models: dict[Name, ModelSection] = Field(default_factory=dict)
    """Models that embed texts: name to model. Where none is named, `default` is used: all-MiniLM-L6-v2 in int8, unless one is
    written here under that name. `route` uses all-MiniLM-L6-v2 in any case. Only models that a stage uses are loaded."""
    stages: dict[StageName, StageSettings] = Field(default_factory=dict)
    """Stages of every route, and their settings; `false` removes one that would come by itself."""
    routes: tuple[RouteSection, ...] = ()
    """Which requests pass, and through which stages."""
