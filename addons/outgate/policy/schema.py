"""What a policy file may say. Frozen, unknown keys refused, field descriptions become the reference and the JSON Schema."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.inference.operation import Kind
from outgate.pipeline.stage import Settings
from outgate.policy.provider_settings import Address, ProviderSection, Seconds, StageSettings
from outgate.policy.workload_settings import Name, WorkloadSection

type Positive = Annotated[int, Field(ge=1)]
type Method = Annotated[str, StringConstraints(pattern=r"^[A-Z]+$"), Field(description="a method in upper case", examples=["POST"])]
type Pattern = Annotated[
    str, StringConstraints(min_length=1, max_length=512), Field(description="a name or pattern", examples=["/v1/**"])
]


class LimitsSection(Settings):
    """Bounds on every client, before any stage."""

    body_bytes: Positive = 2 * 1024 * 1024
    """Largest request body."""
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
    """A client connection without a request is closed after this."""
    exchange_seconds: Seconds = 900.0
    """A whole exchange, attempts and stream included."""
    connections: Positive = 4096
    """Client connections per worker."""

    @model_validator(mode="after")
    def _largest_body_fits(self) -> Self:
        if self.buffered_bytes < 4 * self.body_bytes:
            raise ValueError("buffered_bytes is less than four times body_bytes: the largest bodies would always be refused")
        return self


class GatewaySection(Settings):
    """The gateway's own listeners and bounds."""

    listen: Address = "127.0.0.1:8080"
    """`host:port` of the listener for CONNECT, absolute-form and base-URL clients."""
    transparent: Address | None = None
    """`host:port` of the listener for redirected connections; none when absent."""
    client_ca: str = ""
    """Authorities (PEM) of client certificates, which a workload may present to the gateway itself (`HTTPS_PROXY=https://…`), path
    from the policy's folder; read at start. Absent, none is asked for."""
    limits: LimitsSection = Field(default_factory=LimitsSection)
    """Bounds on every client."""


class MatchSection(Settings):
    """Which requests a route takes. What is absent matches everything; of a list, one entry must match."""

    destinations: tuple[Name, ...] = ()
    """Providers that were addressed."""
    paths: tuple[Pattern, ...] = ()
    """Paths without query: `*` stands for anything but a slash, `**` for anything."""
    methods: tuple[Method, ...] = ()
    """Request methods."""
    kinds: tuple[Kind, ...] = ()
    """Kinds of work: chat, embeddings, models, opaque."""
    models: tuple[Pattern, ...] = ()
    """Model names as the caller asked for them, same patterns."""
    workloads: tuple[Name, ...] = ()
    """Workloads that ask."""
    groups: tuple[Name, ...] = ()
    """Groups one of which the caller is in."""


class RouteSection(Settings):
    """One route. The first that matches, in file order, takes the request; none means the request is denied."""

    name: Name
    """Shown in logs, metrics and the plan."""
    match: MatchSection = Field(default_factory=MatchSection)
    """Which requests it takes."""
    inherit: bool | tuple[str, ...] = True
    """Which stages it takes over from the policy and the provider: all, none, or those named."""
    stages: dict[str, StageSettings] = Field(default_factory=dict)
    """Stage settings for this route; they replace inherited ones whole, `false` removes a stage."""
    pin: tuple[str, ...] = ()
    """An order of stages to insist on; it is checked, never trusted."""
    after: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Stage name to stages it must run after, where the contracts leave a choice."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Upstream attempts per exchange."""
    retry_sent: bool = False
    """Repeat a request that a provider may have received without answering; it may bill twice."""


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
    stages: dict[str, StageSettings] = Field(default_factory=dict)
    """Stages of every route, and their settings; `false` removes one that would come by itself."""
    routes: tuple[RouteSection, ...] = ()
    """Which requests pass, and through which stages."""
