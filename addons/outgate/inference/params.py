"""Parameters of a request, apart from its text."""

from dataclasses import dataclass
from typing import NamedTuple


class Form(NamedTuple):
    """The form of an answer that a request asks for: nothing of its text."""

    stream: bool = False
    include_usage: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """Parameters a policy decides on. `identity` is the canonical JSON of *everything* in the body that is neither text of the
    conversation nor the model: two requests with different identities never share a cached answer.
    """

    stream: bool = False
    max_tokens: int | None = None
    n: int = 1
    temperature: float | None = None
    include_usage: bool = False
    """The caller asked for usage in the stream; else the gateway asks for it and hides the event."""
    server_state: tuple[str, ...] = ()
    """Members that refer to state at the provider (`previous_response_id`, file ids); denied unless policy allows them."""
    kept: bool = False
    """The caller asks that the provider keep the answer (`store: true`)."""
    models: tuple[str, ...] = ()
    """Models that the request asks for by a file of requests, as their provider knows them; `authorize_model` judges each."""
    identity: bytes = b"{}"

    @property
    def form(self) -> Form:
        return Form(self.stream, self.include_usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The tools a request offers: their names, and the canonical JSON of their definitions (counted, keyed)."""

    names: tuple[str, ...] = ()
    identity: bytes = b"[]"
