"""The guard matrix, by dialect, streamed or whole, channel, direction and action: its cells, and what must become of each.

Cells come from the registry, the channels and `support.guard_places`; `support.guard_exchanges` asks them.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from outgate.dialects import registry
from outgate.inference.operation import Kind
from outgate.inference.prompt import Channel
from outgate.inference.verdict import Verdict
from support.speech import NEW, SAID, Asked, Speech, Told, carried
from support.speeches import SPEECHES, TOLD
from support.work_places import WORK_SPEECHES

MAIL = "maria.canary@mail.test"
ACTIONS = ("deny", "answer", "withhold", "flag", "redact")
PHRASES = {
    "deny": "crimson walrus ledger",
    "answer": "quiet copper anchor",
    "withhold": "seven amber lanterns",
    "flag": "purple granite teapot",
}
JUDGED = {
    "output_phrases": {"deny": "deny", "redact": "replace"},
    "output_pii": {"answer": "answer", "flag": "flag"},
    "tool_policy": {"withhold": "withhold"},
}
"""Which guard of answers shows an action, and its word for it."""
NO_PLACE, NO_ACT, ECHO, NOT_SHOWN = "no place", "no such action", "repeats the request", "phrases only"
NO_STREAM = "no stream"
CALLED = frozenset({Channel.TOOL_ARGUMENTS, Channel.KEY})
"""Channels of a tool call in an answer."""
ENDED, LEFT = "ended", "left behind"
"""Words cannot stand in a dialect without an ending, nor in what is no conversation: it ends in an error instead."""
REASONS = {
    NO_PLACE: "the tables of the dialect give this channel to no text",
    NO_STREAM: "the API has no stream of it, and a request for one is none",
    NO_ACT: "of the guards of answers only `tool_policy` withholds: a tool call, with its arguments",
    ECHO: "an answer repeats it from its request, where it was judged: the verdict tells it as unjudged",
    NOT_SHOWN: "only `output_phrases` (deny, redact) judges what the provider's own tools return or are: the verdict says unjudged",
}
"""Why a cell cannot be, or is not judged; the tests check each."""
TEXTLESS = {
    Kind.MODELS: "has no body, and a list of names for an answer",
    Kind.OPAQUE: "is read by nobody, and denied unless `admit_parts` names it",
    Kind.FILES: "is a form: tests/e2e/request/test_stored_files.py",
    Kind.BATCHES: "names a file that was judged: tests/e2e/request/test_batches.py",
}
"""Kinds without cells, and why."""


def speech(name: str) -> Speech:
    """What is known of this row. Raises KeyError where it is none yet."""
    return SPEECHES.get(name) or WORK_SPEECHES[name]


class Cell(NamedTuple):
    """One cell; `to` is the API in which the provider is asked where that is another one."""

    dialect: str
    streamed: bool
    direction: str
    channel: Channel
    action: str
    to: str = ""

    @property
    def id(self) -> str:
        pair = f"{self.dialect}{self.to and '-to-'}{self.to}"
        return f"{pair}-{'streamed' if self.streamed else 'whole'}-{self.direction}-{self.channel}-{self.action}"

    @property
    def speech(self) -> Speech:
        return speech(self.dialect)

    @property
    def api(self) -> str:
        """The dialect alone."""
        return self.dialect.partition(" ")[0]

    @property
    def talks(self) -> bool:
        """Whether it is a conversation, which can be answered in words."""
        return self.api == self.dialect

    @property
    def place(self) -> Asked | Told:
        return (self.speech.asked if self.direction == "in" else TOLD[self.to] if self.to else self.speech.told)[self.channel]

    @property
    def seen(self) -> Channel:
        """The channel under which the text is judged."""
        elsewhere = self.place.seen if self.direction == "in" or self.streamed else None
        return elsewhere or self.channel

    @property
    def marker(self) -> str:
        personal = self.action == "redact" if self.direction == "in" else self.action in JUDGED["output_pii"]
        return MAIL if personal else PHRASES.get(self.action, PHRASES["deny"])

    @property
    def reason(self) -> str:
        """Why nothing is judged here; "" where the cell must act."""
        if self.to:
            return ""
        if self.streamed and not self.speech.streams:
            return NO_STREAM
        table = self.speech.tables[0 if self.direction == "in" else 2 if self.streamed else 1]
        if self.channel not in carried(table):
            return NO_PLACE
        if self.direction == "in":
            return ""
        if self.action == "withhold":
            return "" if self.channel in CALLED else NO_ACT
        if self.channel in (Channel.SYSTEM, Channel.USER, Channel.PARAMETER):
            return ECHO
        tools = self.channel in (Channel.TOOL_RESULT, Channel.TOOL_DEFINITION)
        return NOT_SHOWN if tools and self.action in JUDGED["output_pii"] else ""


TRANSLATED = (Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_ARGUMENTS)
"""Channels of answers that are translated."""


_USERS = ("openai", "responses", "anthropic")
"""APIs that know who the user is; the others get no parameter."""


def left_behind(cell: Cell) -> bool:
    """Whether a text of a request does not go to a provider of another API, which is told as a loss: reasoning of earlier turns but
    where its signature is good for the same models, parameters but the user.
    """
    if cell.direction != "in" or not cell.to:
        return False
    if cell.channel in (Channel.REASONING, Channel.SEALED):
        return (cell.dialect, cell.to) != ("anthropic", "bedrock")
    return cell.channel is Channel.PARAMETER and not {cell.dialect, cell.to}.issubset(_USERS)


class Seen(NamedTuple):
    """What became of an exchange: for the client, for the provider (None: nobody was asked), and in the facts."""

    status: int
    body: str
    sent: str | None
    verdict: Verdict | None
    redacted: Any = None
    text: str = ""


def dialects() -> list[str]:
    """Every registered dialect that has conversations, and after it its other kinds of work, each with its kind."""
    kinds = ((spec.name, kind) for spec in registry.SPECS for kind in dict.fromkeys(path.kind for path in spec.paths))
    return [name if kind is Kind.CHAT else f"{name} {kind}" for name, kind in kinds if kind not in TEXTLESS]


def unplaced() -> list[str]:
    """What of the registered dialects has no row or place yet: dialects, and channels that their tables give to some text."""
    known = {**SPEECHES, **WORK_SPEECHES}
    missing = [name for name in dialects() if name not in known]
    for name in set(dialects()).intersection(known):
        asked, whole, streamed = map(carried, known[name].tables)
        missing += [f"{name} in {channel}" for channel in asked.difference(known[name].asked)]
        missing += [f"{name} out {channel}" for channel in (whole | streamed).difference(known[name].told)]
    return sorted(missing)


def cells() -> list[Cell]:
    """Every cell of the registered dialects. Raises KeyError for a dialect without a row in `SPEECHES`."""
    return [
        Cell(dialect, streamed, direction, channel, action)
        for dialect in dialects()
        for direction in ("in", "out")
        for channel in Channel
        for streamed in (False, True)
        for action in ACTIONS
    ]


def translated_cells() -> list[Cell]:
    """Cells of conversations between APIs: what becomes of a request is seen where it goes on."""
    talks = [spec.name for spec in registry.SPECS if spec.converter is not None and spec.paths]
    pairs = [(one, other) for one in talks for other in TOLD if one != other]
    asked = [
        Cell(one, False, "in", channel, action, other)
        for one, other in pairs
        for channel in speech(one).asked
        for action in ("withhold", "flag", "redact")
    ]
    told = [
        Cell(one, streamed, "out", channel, action, other)
        for one, other in pairs
        for channel in TRANSLATED
        for streamed in (False, True)
        for action in ACTIONS
        if action != "withhold" or channel in CALLED
    ]
    return asked + told


def _wanted(cell: Cell) -> str:
    """What must become of a request with this text."""
    assert isinstance(cell.place, Asked)
    if left_behind(cell) and cell.action in ("flag", "redact"):
        return LEFT
    if cell.action in ("flag", "redact"):
        return {"flag": "flagged", "redact": "redacted"}[cell.action]
    if cell.place.kind == SAID or (cell.action == "withhold" and cell.place.kind == NEW):
        return "withheld"
    return "answered" if cell.action == "answer" and cell.talks else "denied"


def outcome(cell: Cell) -> str:
    """What must become of it, as one word."""
    if cell.reason:
        return cell.reason
    if cell.direction == "in":
        return _wanted(cell)
    if cell.action == "answer" and (not cell.talks or (cell.streamed and registry.spec(cell.api).ending is None)):
        return ENDED
    return {"deny": "denied", "answer": "answered", "withhold": "withheld", "flag": "flagged", "redact": "replaced"}[cell.action]


def differences(cell: Cell, seen: Seen) -> Iterator[str]:
    """Every way in which an exchange came out otherwise."""
    wanted, marker = outcome(cell), cell.marker
    kinds = {extent.kind for extent in seen.verdict.scanned} if seen.verdict else set()
    shown = marker in seen.text or marker in seen.body
    if wanted in (ECHO, NOT_SHOWN):
        untold = {extent.kind for extent in seen.verdict.unjudged} if seen.verdict else set()
        yield from _unless(cell.seen.value in untold - kinds, f"told as scanned {kinds} and unjudged {untold}")
        return
    read = "tool_call" if cell.direction == "out" and wanted == "withheld" else cell.seen.value
    if wanted == LEFT:
        gone = seen.sent is not None and marker not in seen.sent and "EMAIL_" not in seen.sent
        yield from _unless(gone, f"the provider got {seen.sent}")
        return
    yield from _unless(wanted == "redacted" or read in kinds, f"scanned {kinds}")
    acted = wanted == "redacted" or (seen.verdict is not None and seen.verdict.action == {ENDED: "answered"}.get(wanted, wanted))
    yield from _unless(acted, f"verdict {seen.verdict}")
    yield from (_asked if cell.direction == "in" else _told)(wanted, seen, marker, shown)


def _asked(wanted: str, seen: Seen, marker: str, shown: bool) -> Iterator[str]:
    if wanted in ("denied", "answered"):
        word = "prompt_refused" if wanted == "denied" else "I can't help with that request."
        yield from _unless(seen.sent is None, "a provider was asked")
        yield from _unless(word in seen.body and not shown, f"the client got {seen.status} {seen.body}")
        yield from _unless((seen.status == 200) == (wanted == "answered"), f"status {seen.status}")
        return
    yield from _unless(seen.sent is not None and (marker in seen.sent) == (wanted == "flagged"), f"the provider got {seen.sent}")
    mark = {"withheld": "The gateway withheld it", "redacted": "EMAIL_", "flagged": marker}[wanted]
    yield from _unless(mark in (seen.sent or ""), f"the provider got {seen.sent}")
    yield from _unless(wanted != "redacted" or sum((seen.redacted or {}).values()) == 1, f"redacted {seen.redacted}")
    yield from _unless("Fine." in seen.text or "Fine." in seen.body, f"the client got {seen.status} {seen.body}")


def _told(wanted: str, seen: Seen, marker: str, shown: bool) -> Iterator[str]:
    yield from _unless(seen.sent is not None, "no provider was asked")
    yield from _unless(shown == (wanted == "flagged"), f"the client got {seen.status} {seen.body}")
    told = {"answered": "I can't help with that.", "replaced": "[removed]", "flagged": marker, "withheld": "It was not passed on"}
    words = told.get(wanted, "answer_refused")
    yield from _unless(words in seen.body or words in seen.text, f"the client got {seen.status} {seen.body}")


def _unless(right: bool, told: str) -> Iterator[str]:
    if not right:
        yield told
