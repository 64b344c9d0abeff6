"""Settings of the guard over HTTP: whom it asks in which shape, about what, how much, and what happens about the answer."""

from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from outgate.detectors.external.lakera import Lakera
from outgate.detectors.external.moderation import Moderation
from outgate.detectors.external.shapes import Shape
from outgate.detectors.external.webhook import WITHHOLD, Webhook
from outgate.detectors.guard_settings import Act, GuardSettings
from outgate.inference.names import ProviderName
from outgate.inference.prompt import Channel
from outgate.pipeline.stage import Settings

type _Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
type _Path = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]*)*$")]
_OWN = {"project": "lakera", "thresholds": "moderation", "model": "moderation", "reasons": "webhook"}
"""Settings of one shape."""

type _Score = Annotated[float, Field(gt=0, le=1)]


class Budget(Settings):
    """What one request may spend on the service. Beyond it the guard counts as failed; what was judged by then is remembered."""

    calls: Annotated[int, Field(ge=1, le=1_000)] = 32
    """Questions."""
    characters: Annotated[int, Field(ge=1, le=32_000_000)] = 400_000
    """Characters of new text."""


class Circuit(Settings):
    """When a service that keeps failing is left alone. Each worker counts for itself."""

    failures: Annotated[int, Field(ge=1, le=1_000)] = 5
    """Failures in a row after which nothing is asked for a while, and the guard counts as failed at once."""
    pause: Annotated[float, Field(gt=0, le=3_600)] = 15.0
    """Seconds until one question tries again."""


class ExternalGuardSettings(GuardSettings):
    """Whom to ask, about what, and what happens then."""

    provider: ProviderName = ""
    """The service, under `providers`, with `dialect: none`: its address, TLS and credential stand there."""
    shape: Literal["moderation", "webhook", "lakera"] = "webhook"
    """`moderation`: OpenAI's `/v1/moderations`. `webhook`: the JSON of docs/external-guards.md. `lakera`: Lakera's `/v2/guard`."""
    path: _Path = ""
    """Path of the service, that of its shape when empty (a webhook's is `/`)."""
    model: str = "omni-moderation-latest"
    """Of `moderation`: the model that judges."""
    project: str = ""
    """Of `lakera`: the project whose policy decides."""
    thresholds: dict[str, _Score] = Field(default={}, examples=[{"violence": 0.8}])
    """Of `moderation`: score from which a category counts. Without one the service's own flag counts."""
    reasons: tuple[_Word, ...] = Field(default=(), max_length=100)
    """Of `webhook`: reasons that are rules of their own, `webhook.<reason>`. Reasons of any other name are not told."""
    channels: tuple[Channel, ...] = (Channel.USER, Channel.TOOL_RESULT)
    """What is sent to it, new text only."""
    raw: bool = False
    """Send text as it came, with the personal data in it. Otherwise the guard stands behind `redact`, and a route without it is
    refused."""
    on_error: Literal["deny", "open"] = "deny"
    """What happens when no answer comes in `limit`, or none that can be read: `deny` refuses (503), `open` lets the request pass
    unjudged, and the verdict says so."""
    budget: Budget = Field(default_factory=Budget)
    """What one request may spend."""
    concurrency: Annotated[int, Field(ge=1, le=1_000)] = 16
    """Questions of a worker on their way at once; others wait, within `limit`."""
    circuit: Circuit = Field(default_factory=Circuit)
    """When it is left alone."""
    price: Annotated[float, Field(ge=0)] = 0.0
    """US dollars that a question costs, for the closing line and `outgate_guard_cost_total`."""

    def shaped(self) -> Shape:
        if self.shape == "moderation":
            return Moderation(self.model, self.thresholds)
        return Lakera(self.project) if self.shape == "lakera" else Webhook(self.reasons)

    def rule_ids(self) -> Collection[str]:
        return self.shaped().rules

    def act(self, rule: str, channel: Channel, *, certain: bool) -> Act:
        """A webhook's `withhold` is one, unless the policy says more of that rule."""
        if rule == f"webhook.{WITHHOLD}" and rule not in self.rules:
            return Act.WITHHOLD
        return super().act(rule, channel, certain=certain)

    @model_validator(mode="after")
    def _of_their_shape(self) -> Self:
        for name, shape in _OWN.items():
            if name in self.model_fields_set and self.shape != shape:
                raise ValueError(f"`{name}` is of the shape {shape}")
        return self
