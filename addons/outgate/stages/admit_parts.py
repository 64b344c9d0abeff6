"""Nothing that no policy could read goes out unnoticed: images, audio, files, token arrays, opaque bodies, state at the provider.

Each kind is refused unless the policy names it, and what it names is written down as the verdict, for the audit line.
"""

from typing import Literal, NamedTuple

from outgate.errors import Denial
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt
from outgate.pipeline.contract import Contract, Judges, May
from outgate.pipeline.stage import Outcome, Settings, Stage


class AdmitPartsSettings(Settings):
    """Exceptions. Whatever they admit is sent unscanned."""

    allow_unjudged: frozenset[Literal["image", "audio", "file", "token_array", "opaque"]] = frozenset()
    """Kinds of parts that may pass without being read: image, audio, file, token_array, opaque."""
    allow_server_state: frozenset[str] = frozenset()
    """Members that refer to state at the provider and may pass, `previous_response_id` for example."""


class Reads(NamedTuple):
    """What the body holds besides text."""

    prompt: Prompt
    params: Params


class AdmitParts(Stage):
    """Unjudged parts to a verdict."""

    name = "admit_parts"
    settings_type = AdmitPartsSettings

    def __init__(self, settings: AdmitPartsSettings) -> None:
        self._parts = settings.allow_unjudged
        self._state = settings.allow_server_state
        self.contract = Contract.of(Reads, writes=("verdict.parts",), judges=Judges.RAW, may=May.DENY, cost=0.002, passes=0.99)

    def run(self, facts: Reads, /) -> Outcome:
        unread = sorted(facts.prompt.unjudged - self._parts)
        if unread:
            return Denial(
                code="unjudged_content",
                status=403,
                message=f"The policy does not admit content it cannot read: {', '.join(unread)}.",
            )
        stored = sorted(set(facts.params.server_state) - self._state)
        if stored:
            return Denial(
                code="server_state", status=403, message=f"The policy does not admit state at the provider: {', '.join(stored)}."
            )
        return (facts.prompt.unjudged,)
