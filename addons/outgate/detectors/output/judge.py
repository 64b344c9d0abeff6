"""Judge of an answer that acts on spans of its text: deny, answer, replace or flag, however the text is cut into pieces.

A guard says where something was found, and from where on the end of the text is undecided; this judge does the rest.
It counts as scanned what was decided, and nothing else: what waits when an answer breaks off has not been read.
"""

from collections import Counter
from collections.abc import Awaitable, Hashable, Sequence
from typing import NamedTuple

from outgate.detectors import escapes
from outgate.detectors.output.settings import OutputAct, OutputSettings
from outgate.detectors.phrases import row_of
from outgate.errors import Denial
from outgate.inference.judge import ON, Cut, Decision, End, Judge, Part, Pass, Replace
from outgate.inference.prompt import Channel
from outgate.inference.stream import Event
from outgate.inference.verdict import Action, Extent, Match, Verdict

_JOINED = frozenset({Channel.ASSISTANT, Channel.REASONING})
_BECAME = {
    OutputAct.DENY: Action.DENIED,
    OutputAct.ANSWER: Action.ANSWERED,
    OutputAct.REPLACE: Action.REPLACED,
    OutputAct.FLAG: Action.FLAGGED,
}


class Span(NamedTuple):
    """What a rule found at `start` up to `end`."""

    start: int
    end: int
    rule: str


class Look(NamedTuple):
    """What was found, in order and disjoint, and where the tail begins that is undecided until more comes."""

    found: Sequence[Span]
    undecided: int


class SpanJudge(Judge):
    """The judge of one answer. A guard says what `look` finds; `score` is the highest it gave, from 0 to 1.

    `reach` characters of what was decided before are shown again with what comes, of the part before too where its reader joins the
    two. At most `longest` characters are undecided. `alone` asks for a second look without the part before: its last letters may
    hide a value that a part begins with.
    """

    alone = False

    def __init__(self, settings: OutputSettings, *, reach: int, longest: int) -> None:
        self.window = escapes.LONGEST * (longest + 1)
        self.channels = settings.looks()
        self.ends = settings.action is OutputAct.ANSWER
        self.score = 0.0
        self._looks, self._settings, self._reach, self._longest = self.channels, settings, reach, longest
        self._parts: dict[Hashable, _Before] = {}
        self._closed: dict[Hashable, str] = {}
        self._replacing: set[Hashable] = set()
        self._matches: Counter[str] = Counter()
        self._characters: Counter[Channel] = Counter()
        self._read: dict[Channel, set[Hashable]] = {}

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: FBT001
        """What `text` holds; all before `begin` was decided. A span that ends there is not counted again."""
        raise NotImplementedError

    def judge(self, part: Part, text: str, final: bool, /) -> Decision | Awaitable[Decision]:  # noqa: FBT001
        before = self._parts.pop(part.key, None) or self._joined(part)
        piece = escapes.read(text, final=final) if part.escaped else escapes.Read(text, range(len(text) + 1))
        shown = _Shown(part, text, final, before, piece)
        looks = [self.look(part, before.text + piece.text, len(before.text), final)]
        if before.other and self.alone:
            own = before.text[before.other :]
            looks.append(self.look(part, own + piece.text, len(own), final))
        if all(found.__class__ is Look for found in looks):
            return self._decided(shown, looks)  # type: ignore[arg-type]
        return self._later(shown, looks)

    def _joined(self, part: Part) -> "_Before":
        """What stands in front of a part that begins."""
        end = "" if part.repeated else self._closed.get(row_of(part), "")
        return _Before(end, len(end))

    async def _later(self, shown: "_Shown", looks: Sequence[Look | Awaitable[Look]]) -> Decision:
        return self._decided(shown, [found if isinstance(found, Look) else await found for found in looks])

    def passed(self, event: Event, /) -> None:
        """Texts of other channels are counted, as what was not read."""
        for text in event.texts:
            if text.channel not in self._looks:
                self._note(text.channel, text.part, len(text.text))

    def verdict(self) -> Verdict:
        extents = [Extent(channel, len(parts), self._characters[channel]) for channel, parts in sorted(self._read.items())]
        return Verdict(
            action=_BECAME[self._settings.action] if self._matches else Action.ALLOWED,
            matches=tuple(Match(rule, rule.partition(".")[0], count) for rule, count in sorted(self._matches.items())),
            scanned=tuple(extent for extent in extents if extent.kind in self._looks),
            unjudged=tuple(extent for extent in extents if extent.kind not in self._looks),
        )

    def _decided(self, shown: "_Shown", looks: Sequence[Look]) -> Decision:
        part, ahead, look = shown.part, len(shown.before.text), _both(looks, shown.before.other)
        whole = shown.before.text + shown.piece.text
        undecided = len(whole) if shown.final else min(len(whole), max(look.undecided, ahead, len(whole) - self._longest))
        done = len(shown.text) if shown.final else shown.piece.places[undecided - ahead]
        found = [one for one in look.found if ahead < one.end <= undecided]
        act = self._settings.action
        if found and act in (OutputAct.DENY, OutputAct.ANSWER):
            self._matches[found[0].rule] += 1
            self._note(part.channel, part.key, shown.piece.places[found[0].end - ahead])
            return End(self._settings.answer) if act is OutputAct.ANSWER else Cut(_denial(found[0].rule))
        self._note(part.channel, part.key, done)
        self._matches.update(one.rule for one in found)
        self._keep(shown, whole[:undecided])
        if found and act is OutputAct.REPLACE:
            replaced = self._replaced(shown, found, done)
            (self._replacing.add if found[-1].end == undecided else self._replacing.discard)(part.key)
            return Replace(replaced, len(shown.text) - done)
        if undecided > ahead:
            self._replacing.discard(part.key)
        return ON if done == len(shown.text) else Pass(len(shown.text) - done)

    def _replaced(self, shown: "_Shown", found: Sequence[Span], done: int) -> str:
        instead = self._settings.replacement.translate(escapes.ESCAPES if shown.part.escaped else {})
        places, ahead = shown.piece.places, len(shown.before.text)
        pieces: list[str] = []
        at = 0
        for one in found:
            goes_on = one.start <= ahead and shown.part.key in self._replacing
            pieces += (shown.text[at : places[max(0, one.start - ahead)]], "" if goes_on else instead)
            at = places[one.end - ahead]
        return "".join((*pieces, shown.text[at:done]))

    def _keep(self, shown: "_Shown", decided: str) -> None:
        """The end of what was decided, for what goes on with it."""
        part, low = shown.part, max(0, len(decided) - self._reach)
        end = decided[low:]
        if not shown.final:
            self._parts[part.key] = _Before(end, max(0, shown.before.other - low))
        elif part.channel in _JOINED and not part.repeated:
            self._closed[row_of(part)] = end

    def _note(self, channel: Channel, part: Hashable, characters: int) -> None:
        self._read.setdefault(channel, set()).add(part)
        self._characters[channel] += characters


class _Before(NamedTuple):
    """The end of what was decided; its first `other` characters are those of the part before."""

    text: str
    other: int


class _Shown(NamedTuple):
    """What a judge is shown of a part: its text, that text as it reads, and the end of what was decided before."""

    part: Part
    text: str
    final: bool
    before: _Before
    piece: escapes.Read


def _both(looks: Sequence[Look], other: int) -> Look:
    """What was found with the part before, and without: a value longer than another takes it in."""
    if len(looks) == 1:
        return looks[0]
    joined, alone = looks
    spans = [*joined.found, *(Span(one.start + other, one.end + other, one.rule) for one in alone.found)]
    found: list[Span] = []
    for one in sorted(spans, key=lambda span: (span.start, -span.end)):
        if found and one.start < found[-1].end:
            found[-1] = found[-1]._replace(end=max(found[-1].end, one.end))
        else:
            found.append(one)
    return Look(found, min(joined.undecided, alone.undecided + other))


def _denial(rule: str) -> Denial:
    return Denial(code="answer_refused", status=403, message=f"The answer was refused by policy ({rule}).")
