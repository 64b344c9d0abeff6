"""Settings of retries in a route. Field descriptions become the reference."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from outgate.errors import FailureKind
from outgate.pipeline.stage import Settings
from outgate.policy.credential_settings import Seconds
from outgate.upstreams.retry_policy import DEFAULT_ON, RETRIED, RoutePolicy


def _retried(kind: FailureKind) -> FailureKind:
    if kind not in RETRIED:
        raise PydanticCustomError("literal_error", "once an answer has begun, it is not asked for again")
    return kind


type RetryOn = Annotated[FailureKind, AfterValidator(_retried), WithJsonSchema({"type": "string", "enum": sorted(RETRIED)})]


class RetrySection(Settings):
    """What becomes of an attempt that fails before its answer has begun. Once a word has gone out, nothing is repeated."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Upstream attempts per exchange, over all endpoints, providers and models."""
    on: tuple[RetryOn, ...] = tuple(sorted(DEFAULT_ON))
    """Failures after which another attempt is made. `refusal`, `content_filter` and `context_length` are the model's answers, and
    are given on unless they are listed; a stream is watched for them up to its first word only."""
    sent: bool = False
    """Repeat a request that a provider may have received without answering; it may bill twice."""
    same: Annotated[int, Field(ge=0, le=5)] = 0
    """How often the same endpoint is asked again, after a back-off or what its Retry-After says, before the request goes elsewhere.
    SDKs do so by themselves."""
    per_try: Annotated[float, Field(ge=0, le=3600)] = 0
    """Seconds that one attempt may take until the first word of its answer; 0 leaves it to the provider's `timeouts`. An answer
    that is not streamed is one word."""
    backoff: tuple[Seconds, Seconds] = (0.25, 5.0)
    """The first back-off and the longest, in seconds. Each is twice the one before, less a random half. Where Retry-After asks for
    more than the longest, the endpoint is not asked again."""
    budget: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Share of the requests of ten seconds to a provider that may be retries there; ten of them in any case, by each worker.
    Attempts at another provider or model are not counted."""

    @model_validator(mode="after")
    def _backoff_grows(self) -> Self:
        if self.backoff[0] > self.backoff[1]:
            raise ValueError("the first back-off is longer than the longest")
        return self

    def policy(self) -> RoutePolicy:
        """The same, as the attempts read it."""
        least, longest = self.backoff
        return RoutePolicy(
            attempts=self.attempts, on=frozenset(self.on), sent=self.sent, same=self.same, per_try=self.per_try, least=least,
            longest=longest, share=self.budget,
        )  # fmt: skip
