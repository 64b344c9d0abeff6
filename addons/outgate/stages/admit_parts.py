"""Refuse what no policy can read, unless the policy names it: images, audio, files, token arrays, opaque bodies, provider state.

The same holds of tools that the provider runs: they reach addresses that no policy sees. Where a request only offers some, it goes
on without them, and where it would be kept at the provider, with `store: false`. What is admitted, taken out or overruled is
written down as the verdict, for the audit line.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from outgate.dialects.hosted_tools import offered
from outgate.dialects.places import described
from outgate.dialects.rules import HOSTED
from outgate.errors import Denial
from outgate.inference.params import Params
from outgate.inference.prompt import Prompt
from outgate.inference.verdict import Action, Extent, Match, Verdict
from outgate.pipeline.contract import Contract, Judges, May
from outgate.pipeline.stage import Outcome, Settings, Stage


class AdmitPartsSettings(Settings):
    """Exceptions. Whatever they admit is sent unscanned."""

    allow_unjudged: frozenset[Literal["image", "audio", "file", "token_array", "opaque", "hosted_tool", "remote_url"]] = frozenset()
    """Kinds of parts that may pass without being read: image, audio, file, token_array, opaque, hosted_tool, remote_url.

    A hosted_tool is run by the provider: web search, code execution, an MCP server. The caller names the address that is called,
    and may hand it credentials of its own. A remote_url is the address of an image or a file that the provider fetches.
    """
    hosted_tools: Literal["drop", "deny"] = "drop"
    """What becomes of hosted tools that are not allowed: `drop` takes those out of the request that are offered by their kind alone
    (`{type: web_search}`), so that the model never hears of them, and refuses those that name an address; `deny` refuses all."""
    allow_server_state: frozenset[str] = frozenset()
    """State at the provider that may be used: members that refer to it, `previous_response_id` for example, `item_reference` for
    items of the Responses API that are not sent again, `store` for having its answers kept there: without it,
    requests leave with `store: false`, and the audit line says `store (overruled)` where they asked for more.
    """


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
        self._drops = settings.hosted_tools == "drop" and HOSTED not in settings.allow_unjudged
        writes = ("verdict.parts", "state.admitted", "hosted.dropped")
        self.contract = Contract.of(Reads, writes=writes, judges=Judges.RAW, may=May.DENY, cost=0.002, passes=0.99)

    def run(self, facts: Reads, /) -> Outcome:
        unjudged, state = facts.prompt.unjudged, facts.params.server_state
        overruled = facts.params.kept and "store" not in self._state
        if not unjudged and not state:
            return (_FORGOTTEN if overruled else _TEXT_ALONE, self._state, False)
        dropped = self._drops and HOSTED in unjudged and offered(facts.prompt)
        unread = sorted(unjudged - self._parts - ({HOSTED} if dropped else set()))
        stored = sorted(set(state) - self._state)
        action = Action.DENIED if unread or stored else Action.REPLACED if dropped else Action.ALLOWED
        found = _verdict(facts.prompt, state, action, dropped=dropped, overruled=overruled)
        if unread:
            message = (
                f"The policy does not admit content it cannot read: {', '.join(_placed(facts.prompt, unread))}. "
                "Leave it out, or have it named under `allow_unjudged` of `admit_parts`."
            )
            return Denial(code="unjudged_content", status=400, message=message, outputs=(found, self._state, dropped))
        if stored:
            message = (
                f"The policy does not admit state at the provider: {', '.join(stored)}. "
                f"{_MENDS.get(stored[0], 'Send what it refers to')}, or have it named under `allow_server_state` of `admit_parts`."
            )
            return Denial(code="server_state", status=400, message=message, outputs=(found, self._state, dropped))
        return (found, self._state, dropped)


_BATCHES = "Let `hydrate` judge and serve batches (`batches: true`)"
_MENDS = {"input_file_id": _BATCHES, "batch_id": _BATCHES}
_KINDS = {"opaque": "opaque (no API that the gateway reads has this path)"}
_TEXT_ALONE = Verdict()
_OVERRULED = Match("store", "overruled")
_FORGOTTEN = Verdict(matches=(_OVERRULED,))


def _placed(prompt: Prompt, kinds: Sequence[str]) -> Iterator[str]:
    """Each kind, with the place of its first part."""
    for kind in kinds:
        place = prompt.places.get(kind)
        where = described(prompt.document, *place) if place is not None else ""
        yield f"{kind} at {where}" if where else _KINDS.get(kind, kind)


def _verdict(prompt: Prompt, state: tuple[str, ...], action: Action, *, dropped: bool, overruled: bool) -> Verdict:
    """Every part is unjudged: this stage knows kinds, and reads none of them."""
    matches = [Match(name, "server_state") for name in state]
    if dropped:
        matches.append(Match(HOSTED, "dropped", len(prompt.hosted)))
    if overruled:
        matches.append(_OVERRULED)
    measured = {part.kind for part in prompt.parts}
    rest = tuple(Extent(kind, 1) for kind in sorted(prompt.unjudged - measured))
    return Verdict(action=action, matches=tuple(matches), unjudged=(*prompt.parts, *rest))
