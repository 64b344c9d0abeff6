"""Settings of the cache: one class for all of its stages."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from outgate.pipeline.stage import Settings


class SimilarSettings(Settings):
    """When an answer to the same question in other words is given."""

    mode: Literal["off", "shadow", "on"] = "off"
    """`shadow` looks up, tells what would have been given, asks the provider all the same, and compares. Begin with it."""
    threshold: Annotated[float, Field(ge=0.5, le=1)] = 0.55
    """The least cosine of two questions that are judged at all. It is the verifier that decides, and the symbols in both texts."""
    delta: Annotated[float, Field(gt=0, le=0.1)] = 0.005
    """The rate of wrong answers that is tolerated. Where comparisons say that it is more, fewer similar ones are given, or none."""
    sample: Annotated[float, Field(ge=0, le=1)] = 0.05
    """The share of hits that the provider is asked about all the same, for a comparison; those callers get the fresh answer."""
    max_characters: Annotated[int, Field(ge=2, le=4000)] = 1000
    """Longer questions are not looked up."""
    history: Literal["exact", "meaning"] = "exact"
    """`meaning`: what users said before the question need only mean the same, and is judged like the question. What the assistant
    said, and all else, counts to the byte, as with `exact`. The error of such hits is counted apart."""
    model: str = "default"
    """The embedder, by its name under `models`."""
    limit: Annotated[float, Field(gt=0)] = 0.5
    """Seconds for embedding, and for looking up: after that it is a miss."""


class CacheSettings(Settings):
    """What policies/*.yaml may say under `cache`; the stages that come with it are built from the same."""

    scope: Literal["workload", "tenant"] = "workload"
    """Who shares answers: one workload, or all workloads of a tenant. Tenants never do."""
    when: Literal["deterministic", "always"] = "deterministic"
    """`deterministic` caches embeddings, and conversations whose caller set `temperature: 0`; `always` also repeats answers
    that the provider would have given differently each time."""
    tools: bool = False
    """Also cache requests that offer tools or hold results of them."""
    tool_calls: bool = False
    """Also keep answers that call a tool, and repeat the call as it was made, ids included. Needs `tools`."""
    max_answer_bytes: int = 1024 * 1024
    """Longer answers are not stored."""
    max_age: float = Field(default=3600.0, gt=0)
    """Seconds for which an answer is given again."""
    single_flight: bool = True
    """Requests that are the same, and come while the first is on its way, wait for its answer: one call of the provider, in each
    worker. A stream reaches those who wait when it is whole."""
    single_flight_wait: float = Field(default=30.0, gt=0)
    """Seconds for which a request waits so; then it goes to the provider itself."""
    tags: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,40}$")], ...] = ()
    """Names by which `outgate cache drop --tag` finds what was stored under this policy or route."""
    similar: SimilarSettings = SimilarSettings()
    """Answers to the same question in other words."""

    @model_validator(mode="after")
    def _calls_need_tools(self) -> Self:
        if self.tool_calls and not self.tools:
            raise ValueError("`tool_calls` needs `tools: true`: a request that offers no tool has no answer that calls one")
        return self
