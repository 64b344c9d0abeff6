"""Schema of behaviour tests: a request and an answer in; the decision, what either side gets, and the order of stages out.

`NAME.test.yaml` beside a policy `NAME.yaml` holds a list of cases, in the same strict YAML as policies.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter, ValidationError, field_validator

from outgate.errors import PolicyError
from outgate.pipeline.stage import Settings
from outgate.policy.schema import Name
from outgate.policy.source import Source, read_source
from outgate.policy.stage_types import RENAMED, stage_names
from outgate.policy.validation_messages import nearest, validation_messages


class Caller(Settings):
    """Who asks. The runner makes a token for it: no test holds one."""

    name: Name
    """The workload's name; added to the policy for the test where it is not there."""
    tenant: Name = "default"
    """Its tenant, where it is added."""
    groups: tuple[Name, ...] = ()
    """Its groups, where it is added."""


class RequestIn(Settings):
    """The request, as the workload sends it."""

    workload: Name | Caller | None = None
    """Who asks; without it no token is presented."""
    destination: str
    """A provider's name, or the `host:port` that is addressed."""
    via: Literal["connect", "absolute_form", "base_url"] = "connect"
    """How the gateway is reached."""
    method: str = "POST"
    """Request method."""
    path: str
    """Request target."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Header fields besides the token."""
    body: Any = None
    """The body as YAML, sent as JSON; a string is sent as it is."""


class ProviderAnswer(Settings):
    """What the provider answers: either a body or events."""

    status: int = 200
    """HTTP status."""
    body: Any = None
    """The body as YAML, sent as JSON; a string is sent as it is."""
    events: tuple[Any, ...] = ()
    """The events of a stream: each as YAML, sent as JSON; a string is sent as it is (`[DONE]`)."""


class UpstreamOut(Settings):
    """What the provider that is asked first would get; with an `answer`, the last one. Only what is given is compared."""

    provider: str | None = None
    """Which provider."""
    host: str | None = None
    """Host, which is also the verified name."""
    sni: str | None = None
    """Server name."""
    path: str | None = None
    """Request target."""
    headers: dict[str, str | None] = Field(default_factory=dict)
    """Header fields that must be there with this value, or, where null, must not be there. Credentials are not among them."""
    credential: bool | None = None
    """Whether the provider's credential travels."""
    body: Any = None
    """A part of the body: members that must be there; lists are compared whole."""
    body_has: tuple[str, ...] = ()
    """Text that must be somewhere in the body."""
    body_lacks: tuple[str, ...] = ()
    """Text that must not be anywhere in the body."""


class Expected(Settings):
    """What must come out."""

    decision: Literal["allowed", "denied", "answered"]
    """Whether the request goes to a provider, is refused, or is answered by the gateway."""
    code: str | None = None
    """The reason code of a denial."""
    stage: str | None = None
    """The stage that denied or answered."""
    status: int | None = None
    """HTTP status of a denial or answer."""
    route: str | None = None
    """The route that took it."""
    upstream: UpstreamOut | None = None
    """What the provider would get."""
    answer_contains: str | None = None
    """Text in the answer that the caller gets."""
    answer_lacks: tuple[str, ...] = ()
    """Text that must not be anywhere in the answer."""
    order: tuple[str, ...] = ()
    """Stages of the request plan that ran, in this order; others may stand between."""
    not_run: tuple[str, ...] = ()
    """Stages that must not have run."""

    @field_validator("order", "not_run")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A stage that does not exist never runs: `not_run` would hold whatever the policy does."""
        for name in names:
            if name not in stage_names():
                near = RENAMED.get(name) or nearest(name, stage_names())
                raise ValueError(f"there is no stage {name!r}" + (f", did you mean {near!r}?" if near else ""))
        return names


class Case(Settings):
    """One behaviour test."""

    name: str
    """What it shows."""
    request: RequestIn
    """What comes in."""
    answer: ProviderAnswer | None = None
    """What the provider answers. Without it, it says that nobody was asked."""
    services: dict[Name, ProviderAnswer] = Field(default_factory=dict)
    """What services that a guard asks answer, by provider; one that is not named here cannot be reached."""
    expect: Expected
    """What must come out."""


def read_cases(path: Path) -> tuple[tuple[Case, ...], Source]:
    """Raises PolicyError with every problem of the file."""
    source = read_source(path)
    try:
        return tuple(TypeAdapter(list[Case]).validate_python(source.data or [])), source
    except ValidationError as error:
        told = validation_messages(source, list[Case], error)
        raise PolicyError(tuple(source.problem("E_TEST", each.text, each.place, each.repair) for each in told)) from error
