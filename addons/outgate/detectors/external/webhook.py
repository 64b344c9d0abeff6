"""Webhook of one's own: texts with channel and workload in, a verdict for each out. docs/external-guards.md is its description."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from outgate.detectors.external.shapes import Asker, Findings, Piece, member
from outgate.detectors.injection.finding import Found, Weight

_ALLOW, _FLAG, _DENY, WITHHOLD = "allow", "flag", "deny", "withhold"
_VERDICTS = (_ALLOW, _FLAG, _DENY, WITHHOLD)


class Webhook:
    """Rules are `webhook.<verdict>`, and `webhook.<reason>` for the reasons that the policy names: no other word of the service
    reaches a line or a label. A `flag` is a signal.
    """

    path = "/"
    most = 32

    def __init__(self, reasons: Collection[str]) -> None:
        self._reasons = frozenset(reasons)
        self.rules = (*(f"webhook.{verdict}" for verdict in _VERDICTS[1:]), *(f"webhook.{name}" for name in sorted(reasons)))

    def question(self, pieces: Sequence[Piece], asker: Asker) -> Any:
        texts = [piece._asdict() for piece in pieces]
        return {"version": 1, **asker._asdict(), "texts": texts}

    def findings(self, answer: dict[str, Any], pieces: Sequence[Piece]) -> list[Findings]:
        verdicts = member(answer.get("verdicts"), list)
        if len(verdicts) != len(pieces):
            raise ValueError("not one verdict for each text")
        return [tuple(self._found(member(each, dict), piece)) for each, piece in zip(verdicts, pieces, strict=True)]

    def _found(self, said: dict[str, Any], piece: Piece) -> Iterator[Found]:
        verdict = member(said.get("verdict"), str)
        if verdict not in _VERDICTS:
            raise ValueError("no such verdict")
        named = [said.get("reason", ""), *_reasons_of(said.get("spans", []), len(piece.text))]
        reasons = [reason for reason in map(_text, named) if reason in self._reasons]
        if verdict == _ALLOW:
            return
        weight = Weight.SIGNAL if verdict == _FLAG else Weight.CERTAIN
        yield from (Found(f"webhook.{rule}", weight) for rule in dict.fromkeys((verdict, *reasons)))


def _reasons_of(spans: Any, length: int) -> Iterator[Any]:
    """The reasons of spans, each of which must lie in the text: `[start, end)` in characters."""
    for span in map(_span, member(spans, list)):
        start, end = member(span.get("start"), int), member(span.get("end"), int)
        if not 0 <= start < end <= length:
            raise ValueError("a span outside of the text")
        yield span.get("reason", "")


def _span(value: Any) -> dict[str, Any]:
    return member(value, dict)


def _text(value: Any) -> str:
    return member(value, str)
