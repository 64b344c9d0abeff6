"""Settings of replicas in a policy file: where they are listed, when one is left out, when a pool is full."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.pipeline.stage import Settings
from outgate.policy.credential_settings import Seconds
from outgate.upstreams.replica_settings import FRESH

type HostPort = Annotated[
    str,
    StringConstraints(pattern=r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}$"),
    Field(description="host:port", examples=["10.0.0.5:8443"]),
]
type Interval = Annotated[float, Field(ge=0.05, le=3600)]
type Share = Annotated[float, Field(ge=0, le=1)]
type ProbePath = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~/-]*)?$", max_length=200), Field(examples=["/health"])]


class HealthSection(Settings):
    """When a replica is left out, and how it comes back. Where there is one endpoint alone it is never left out."""

    failures: Annotated[int, Field(ge=1, le=1000)] = 5
    """Failures in a row that eject a replica: no connection, a reset, a time-out, a malformed answer, a status of 500 or more,
    an answer that breaks off or ends in an error event of the provider's own fault."""
    failure_share: Share = 0.5
    """The share of failures among its last requests that ejects it, once there are twenty."""
    eject: Seconds = 10.0
    """Seconds of the first ejection; each further one lasts twice as long. Then one request tries the replica."""
    eject_longest: Seconds = 300.0
    """Seconds of the longest ejection."""
    eject_share: Share = 0.5
    """The share of replicas that may be ejected at once."""
    slow_start: Annotated[float, Field(ge=0, le=3600)] = 10.0
    """Seconds over which a replica that is new or back gets its full share of requests; 0 gives it at once."""
    probe_path: ProbePath = ""
    """A path that each replica is asked for, with no credential: a status below 400 is up. No probes when empty."""
    probe_every: Interval = 5.0
    """Seconds between probes."""


class ShedSection(Settings):
    """When a pool is crowded, and whose requests then go to the next target of `model_map`, or are refused (429 `pool_full`).

    How full a pool is, is the mean over its replicas in health that told their load in the last 2 s, or over all of them where
    `in_flight` is set; of each what is nearest to full counts. Where none did, what they told in the last 30 s counts.
    """

    waiting: Annotated[float, Field(gt=0, le=100_000)] = 8.0
    """Requests in the queue of a replica that is full."""
    cache: Annotated[float, Field(gt=0, le=1)] = 0.95
    """The share of its cache that a full replica uses."""
    in_flight: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Requests of one worker of the gateway at a replica that is full; 0 does not count them."""
    low: Annotated[float, Field(gt=0, le=100)] = 0.7
    """Requests of workloads of low priority leave from this share of full on."""
    normal: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Requests of normal priority leave from this share on; those of high priority never do."""

    @model_validator(mode="after")
    def _low_goes_first(self) -> Self:
        if self.low > self.normal:
            raise ValueError("`low` is above `normal`: requests of low priority go first")
        return self


class ReplicasSection(Settings):
    """The replicas of the provider, where they are not fixed, and their health."""

    dns: HostPort | Literal[""] = ""
    """A name of which each address is a replica: a headless service, for example."""
    file: str = ""
    """A JSON file that a controller writes: `{"endpoints": [{"address": "10.0.0.5:8000", "draining": false}]}`."""
    every: Interval = 5.0
    """Seconds after which name and file are read again."""
    metrics_path: ProbePath = ""
    """Where replicas tell their load, in the text format of Prometheus (vLLM, SGLang, llama.cpp, TensorRT-LLM, Triton). Not asked
    when empty."""
    metrics_every: Interval = 0.5
    """Seconds between such questions; 2 at most where `shed` has no `in_flight`, for a load is believed for 2 s."""
    health: HealthSection = Field(default_factory=HealthSection)
    """When a replica is left out."""
    shed: ShedSection | None = None
    """When requests go elsewhere because the pool is crowded, those of low priority first; absent, never."""

    @model_validator(mode="after")
    def _a_crowd_is_seen(self) -> Self:
        if self.shed is None or self.shed.in_flight:
            return self
        if not self.metrics_path:
            raise ValueError("`shed` sees no crowd: set `metrics_path`, or `shed: {in_flight: …}`")
        if self.metrics_every > FRESH:
            raise ValueError(f"`shed` sees a crowd too late: set `metrics_every` to {FRESH:g} or less, or `shed: {{in_flight: …}}`")
        return self
