"""Lakera Guard, and detectors that speak its `/v2/guard`: one message in, the detectors that tripped out.

Such a service screens the last message of a conversation, so each text is a question of its own.
"""

from collections.abc import Sequence
from typing import Any

from outgate.detectors.external.shapes import Asker, Findings, Piece, member
from outgate.detectors.injection.finding import Found

DETECTORS = ("prompt_attack", "data_leakage", "pii", "moderated_content", "content_moderation", "unknown_links", "custom")
_OTHER = "lakera.other"
_ROLES = {"system": "system", "tool_definition": "system", "assistant": "assistant", "reasoning": "assistant"}
"""Channel to role. What tools returned is shown as a user's words: nothing else in the service's own words is untrusted."""


class Lakera:
    """Rules are `lakera.<detector>`, without what stands behind a slash (`pii/email` is `lakera.pii`), or `lakera.other`."""

    path = "/v2/guard"
    most = 1
    rules = (*(f"lakera.{name}" for name in DETECTORS), _OTHER)

    def __init__(self, project: str) -> None:
        self._project = {"project_id": project} if project else {}

    def question(self, pieces: Sequence[Piece], asker: Asker) -> Any:  # noqa: ARG002 - it is not told who asks
        messages = [{"role": _ROLES.get(piece.channel, "user"), "content": piece.text} for piece in pieces]
        return {"messages": messages, "breakdown": True, **self._project}

    def findings(self, answer: dict[str, Any], pieces: Sequence[Piece]) -> list[Findings]:  # noqa: ARG002 - it is the only one
        flagged = member(answer.get("flagged"), bool)
        found = [each for each in map(_detector, member(answer.get("breakdown", []), list)) if each]
        if flagged and not found:
            found = [_OTHER]
        return [tuple(Found(rule) for rule in dict.fromkeys(found))]


def _detector(entry: Any) -> str:
    """The rule of a detector that tripped; empty for one that did not."""
    entry = member(entry, dict)
    kind, detected = member(entry.get("detector_type"), str).partition("/")[0], member(entry.get("detected"), bool)
    if not detected:
        return ""
    return f"lakera.{kind}" if kind in DETECTORS else _OTHER
