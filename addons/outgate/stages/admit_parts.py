"""Nothing that no policy could read goes out unnoticed: images, audio, files, token arrays, opaque bodies, state at the provider.

Each kind is refused unless the policy names it, and what it names is written down as the verdict, for the audit line.
"""

from typing import Literal, NamedTuple

from outgate.errors import Denial
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt
from outgate.inference.verdict import Action, Extent, Match, Verdict
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
        unjudged, state = facts.prompt.unjudged, facts.params.server_state
        if not unjudged and not state:
            return (_TEXT_ALONE,)
        unread, stored = sorted(unjudged - self._parts), sorted(set(state) - self._state)
        found = _verdict(facts.prompt, state, Action.DENIED if unread or stored else Action.ALLOWED)
        if unread:
            message = f"The policy does not admit content it cannot read: {', '.join(unread)}."
            return Denial(code="unjudged_content", status=403, message=message, outputs=(found,))
        if stored:
            message = f"The policy does not admit state at the provider: {', '.join(stored)}."
            return Denial(code="server_state", status=403, message=message, outputs=(found,))
        return (found,)


_TEXT_ALONE = Verdict()


def _verdict(prompt: Prompt, state: tuple[str, ...], action: Action) -> Verdict:
    """Every part is unjudged: this stage knows kinds, and reads none of them."""
    measured = {part.kind for part in prompt.parts}
    rest = tuple(Extent(kind, 1) for kind in sorted(prompt.unjudged - measured))
    return Verdict(action=action, matches=tuple(Match(name, "server_state") for name in state), unjudged=(*prompt.parts, *rest))
