"""Judge that replaces placeholders and synthetic values in an answer by what they stand for, independent of chunk borders.

Only a tail that may be the beginning of one is held back; in the authority of a URL, until it has ended. Where a URL goes
to a host that the request did not name nothing is restored: whoever loads it would carry the value there.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from functools import partial
from re import Match, Pattern
from typing import NamedTuple

from outgate.detectors.escapes import ESCAPES, read
from outgate.detectors.pii.links import Hosts, Surroundings, host_of, is_named
from outgate.detectors.pii.placeholders import Placeholders
from outgate.detectors.pii.spellings import FOUND, LONGEST, RUN, begun, spelt
from outgate.detectors.pii.synthetic import MAIL_HOST
from outgate.inference.judge import ON, Decision, Judge, Part, Pass, Replace
from outgate.inference.prompt import Channel

RESTORED, WITHHELD, UNKNOWN = "restored", "withheld", "unknown"
_AHEAD = 300
_ARGUMENTS = frozenset({Channel.TOOL_ARGUMENTS, Channel.KEY})


class Restoring(Judge):
    """The judge of `restore`. `count` is told how many were restored, withheld from URLs, and nobody's: invented, or changed."""

    def __init__(self, placeholders: Placeholders, count: Callable[[str, int], None]) -> None:
        self._placeholders = placeholders
        self._count = count
        self._begun = begun(placeholders.labels, placeholders.letters)
        self._longest = LONGEST + placeholders.letters
        self.window = max(self._longest, placeholders.substitutes.longest) + _AHEAD
        self._parts: dict[Hashable, Surroundings] = {}

    def judge(self, part: Part, text: str, final: bool, /) -> Decision:  # noqa: FBT001
        around = self._parts.pop(part.key, None)
        if around is None:
            string = part.channel in _ARGUMENTS and not part.escaped
            hosts = self._placeholders.hosts if part.channel in _ARGUMENTS else self._placeholders.asked
            around = Surroundings(partial(self._is_known, hosts), escaped=part.escaped, string=string)
        work = _Work(self._placeholders, part.escaped, around, text)
        work.run(final=final)
        held = 0 if final else max(work.held, work.hold(self._begun, self._longest))
        if not final:
            self._parts[part.key] = around
        if not part.repeated:
            for outcome, number in work.outcomes.items():
                if number:
                    self._count(outcome, number)
        work.release(held)
        if RESTORED in work.outcomes:
            return Replace("".join(work.pieces), held)
        return Pass(held) if held else ON

    def _is_known(self, hosts: Hosts, authority: str) -> bool:
        """Whether this host is named, or stands for a value that was in the request.

        A link in what the model says may be followed by whoever shows it: a host that only a tool's result names is none that the
        caller asked for, but for calls of tools, which write files back. Nobody named the host of synthetic addresses.
        """
        host = host_of(authority)
        if host.lower() == MAIL_HOST and self._placeholders.substitutes:
            return False
        ours = FOUND.fullmatch(host)
        if ours is not None and (name := self._placeholders.named(ours["label"], ours["letters"])) is not None:
            return len(name.partition("_")[2]) == len(ours["letters"])
        return is_named(host, hosts)


class _Spot(NamedTuple):
    """A placeholder or a substitute in a text, and its value; None where more must come before that is known."""

    start: int
    end: int
    name: str
    separator: str
    value: str | None


class _Work:
    """One text on its way: what of it is decided, and what it became."""

    def __init__(self, placeholders: Placeholders, escaped: bool, around: Surroundings, text: str) -> None:  # noqa: FBT001
        before = around.before
        self._placeholders, self._escaped, self._around = placeholders, escaped, around
        self._text, self._done = before + text, len(before)
        self.pieces: list[str] = []
        self.outcomes = Counter[str]()
        self.held = self._searched = 0
        self._ahead: _Spot | None = None

    def run(self, *, final: bool) -> None:
        """Decide about every placeholder and substitute, up to one that must wait for more."""
        text = self._text
        self._searched = self._done
        while (spot := self._first(final=final)) is not None:
            if spot.value is None:
                self.held = len(text) - spot.start
                return
            self.release(len(text) - spot.start)
            forbidden = self._around.forbids(spot.name, text[spot.end : spot.end + _AHEAD], final=final)
            if forbidden is None:
                self.held = len(text) - spot.start
                return
            self._settle(spot, forbidden=forbidden)

    def _first(self, *, final: bool) -> "_Spot | None":
        """The next of either."""
        if self._ahead is None or self._ahead.start < self._done:
            self._ahead = self._placeholder(final=final)
        found = self._placeholders.substitutes.next(self._text, self._done, final=final)
        if found is None or (self._ahead is not None and self._ahead.start <= found.start):
            return self._ahead
        return _Spot(found.start, found.end, self._text[found.start : found.end], "", found.value)

    def _placeholder(self, *, final: bool) -> "_Spot | None":
        text = self._text
        while (found := self._next(max(self._searched, self._done))) is not None:
            letters = found["letters"]
            if not final and found.end() == len(text) and len(letters) < self._placeholders.letters:
                return _Spot(found.start(), found.end(), "", "", None)
            name = self._placeholders.named(found["label"], letters)
            self._searched = found.end()
            if name is not None:
                self._searched += len(name.partition("_")[2]) - len(letters)
                return _Spot(found.start(), self._searched, name, found["separator"], self._placeholders.value(name))
            self.outcomes[UNKNOWN] += found["label"].upper() in self._placeholders.labels
        return None

    def _next(self, at: int) -> Match[str] | None:
        text = self._text
        while (run := RUN.search(text, at)) is not None:
            found = FOUND.search(text, max(at, run.start() - LONGEST))
            if found is None or found.start() <= run.start():
                return found
            at = run.end()
        return None

    def hold(self, begun: Pattern[str], longest: int) -> int:
        """How much of the end may be the beginning of a placeholder."""
        tail = begun.search(self._text, max(self._searched, len(self._text) - longest))
        return len(self._text) - tail.start() if tail is not None else 0

    def release(self, held: int) -> None:
        """All but so much of the end goes on as it is."""
        text = self._text[self._done : len(self._text) - held]
        self._around.add(text)
        self.pieces.append(text)
        self._done += len(text)

    def _settle(self, spot: "_Spot", *, forbidden: bool) -> None:
        written = self._text[self._done : spot.end]
        instead = written if forbidden else self._value(spot.separator, spot.value or "")
        self.outcomes[WITHHELD if forbidden else RESTORED] += 1
        self.pieces.append(instead)
        self._around.add(written)
        self._done = spot.end

    def _value(self, separator: str, value: str) -> str:
        before, in_url = self._around.before, self._around.in_url
        if not self._escaped:
            return spelt(value, separator, before, in_url=in_url)
        separator, before = read(separator, final=True).text, read(before, final=True).text
        return spelt(value, separator, before, in_url=in_url).translate(ESCAPES)
