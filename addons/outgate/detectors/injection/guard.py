"""Judge a prompt for injection: leaf by leaf, then windows over neighbours, and nothing that was judged before.

A conversation is remembered as a prefix with what was found in it, so that its next turn costs what is new in it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterator, Sequence
from typing import NamedTuple

from outgate.detectors.injection.detector import RuleDetector
from outgate.detectors.injection.finding import Found, Placed, rules
from outgate.detectors.windows import ATTACK_WIDTH, attack_text, attack_windows
from outgate.inference.memory import Memory
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import Action, Extent, Match, Verdict

STEP, OVERLAP = 16_384, 1_024
"""Characters judged at a stretch, and seen again with the next: an attack is shorter."""
_CUT = '"'
"""Stands for what is before a text that is cut: there no sentence opens."""
_SPOKEN = frozenset(
    {Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS}
)

_LEFT_OUT, _QUIET, _SPOKEN_PLACE = range(3)
"""Places of a channel: not judged, judged outside the conversation, judged in it."""
_OPENING = 4
"""Leaves by which a conversation is known again, beside the first of all: what opens every one of an agent is the same in all."""


class Judged(NamedTuple):
    """What was found, by leaf, and how much text was read, by channel; a leaf that is remembered counts as read."""

    findings: tuple[Placed, ...]
    scanned: tuple[Extent, ...]
    unjudged: tuple[Extent, ...]
    revision: str

    @property
    def ids(self) -> tuple[str, ...]:
        """The rules that matched, each once."""
        return rules(self.findings)

    def verdict(self, action: Action) -> Verdict:
        counts = Counter(found.rule for found in self.findings)
        matches = tuple(Match(rule, rule.partition(".")[0], count) for rule, count in counts.items())
        return Verdict(action=action, matches=matches, scanned=self.scanned, unjudged=self.unjudged, revision=self.revision)


class Guard:
    """Rules over a prompt. `patterns` are bounded regular expressions over normalised words, reported as `pattern.<n>`.

    `revision` names the rules, the same in every process.
    """

    def __init__(
        self,
        channels: Collection[Channel],
        disabled: Collection[str],
        phrases: Sequence[str],
        patterns: Sequence[str],
        memory: Memory,
    ) -> None:
        self._channels = frozenset(channels)
        self._detector = RuleDetector(disabled, phrases, patterns)
        self._memory = memory
        self.revision = self._detector.revision
        self._places = {c: (_SPOKEN_PLACE if c in _SPOKEN else _QUIET) if c in self._channels else _LEFT_OUT for c in Channel}
        kind = memory.digest(repr((sorted(channels), sorted(disabled), phrases, patterns))).hex()
        self._kind, self._prefix_kind = f"guard:{kind}", f"guarded:{kind}"

    def judge(self, prompt: Prompt, tenant: str) -> Iterator[Judged | None]:
        """None after each stretch of work, so that others get their turn; at last what was found, in order of the leaves.

        Every stretch is bounded: a leaf is read in slices. All leaves are read: what is done about a finding depends on its place.
        """
        quiet, spoken, names, scanned, unjudged = self._chosen(prompt)
        chosen = (*quiet, *spoken, *names)
        digests = self._memory.digests(prompt)
        keys = [digests[i] for i in chosen]
        texts = [prompt.leaves[i].text for i in chosen]
        last = len(quiet) + len(spoken)
        opening = _chain(self._memory, (b"%d" % len(quiet), *keys[:1], *keys[len(quiet) : last][:_OPENING]))
        clean, known = self._known_prefix(tenant, opening, keys[:last])
        found = yield from self._work(tenant, texts, keys, (len(quiet), last), clean, known)
        if clean < last:
            kept = tuple(one for one in found if one[0] < last)
            value = (last, _chain(self._memory, keys[:last]), kept)
            self._memory.put(tenant, self._prefix_kind, opening, value, 64 + 128 * len(kept))
        placed = sorted((Placed(chosen[at], *one) for at, one in found), key=lambda one: one.leaf)
        yield Judged(tuple(placed), scanned, unjudged, self.revision)

    def find(self, text: str) -> tuple[Found, ...]:
        """All that one text of bounded length matches."""
        return self._detector.find(text)

    def _chosen(self, prompt: Prompt) -> tuple[list[int], list[int], list[int], tuple[Extent, ...], tuple[Extent, ...]]:
        """The leaves to judge: those outside messages, the conversation, and what else is in messages, such as names of members;
        how much text they are, and how much is left out. One look-up a leaf: every turn comes by with all that was before.
        """
        quiet: list[int] = []
        spoken: list[int] = []
        names: list[int] = []
        places, texts = self._places, defaultdict[Channel, list[str]](list)
        for i, (_, _, text, channel, turn) in enumerate(prompt.leaves):
            if text:
                texts[channel].append(text)
                place = places[channel]
                if place:
                    (quiet if turn < 0 else spoken if place == _SPOKEN_PLACE else names).append(i)
        found = [(channel, Extent(channel.value, len(its), sum(map(len, its)))) for channel, its in texts.items()]
        scanned = tuple(extent for channel, extent in found if places[channel])
        return quiet, spoken, names, scanned, tuple(extent for channel, extent in found if not places[channel])

    def _known_prefix(self, tenant: str, opening: bytes, keys: Sequence[bytes]) -> tuple[int, tuple[tuple[int, Found], ...]]:
        """How many leaves, from the first on, were judged together, and what was found in them."""
        known = self._memory.get(tenant, self._prefix_kind, opening)
        if known is None or known[0] > len(keys) or known[1] != _chain(self._memory, keys[: known[0]]):
            return 0, ()
        return known[0], known[2]

    def _work(
        self,
        tenant: str,
        texts: Sequence[str],
        keys: Sequence[bytes],
        conversation: tuple[int, int],
        done: int,
        found_before: Sequence[tuple[int, Found]],
    ) -> Generator[None, None, list[tuple[int, Found]]]:
        """Judge new leaves, then new windows, yielding turns. Returns findings, each with its position."""
        found = list(found_before)
        known = self._memory.get_many(tenant, self._kind, keys[done:])
        for at, (text, key, ones) in enumerate(zip(texts[done:], keys[done:], known, strict=True), done):
            if ones is None:
                ones = yield from self._slices(text)  # noqa: PLW2901
                self._memory.put(tenant, self._kind, key, ones)
            found.extend((at, one) for one in ones)
        first = max(conversation[0], done - ATTACK_WIDTH)
        for start, end in attack_windows([len(text) for text in texts[first : conversation[1]]]):
            start, end = first + start, first + end  # noqa: PLW2901
            key = b"".join(keys[start:end])
            ones = self._memory.get(tenant, self._kind, key)
            if ones is None:
                ones = self._across(texts[start:end])
                self._memory.put(tenant, self._kind, key, ones)
                yield
            within = {one.rule for at, one in found if start <= at < end} if ones else ()
            found.extend((start + at, one) for at, one in ones if one.rule not in within)
        return found

    def _across(self, texts: Sequence[str]) -> tuple[tuple[int, Found], ...]:
        """What neighbours say together: each finding with the place of the text that completes it."""
        last = len(texts)
        if not (found := self.find(attack_text(texts))):
            return ()
        ends = {end: rules(self.find(attack_text(texts[:end]))) for end in range(2, last)}
        return tuple((next((end for end, ids in ends.items() if one.rule in ids), last) - 1, one) for one in found)

    def _slices(self, text: str) -> Generator[None, None, tuple[Found, ...]]:
        """Judge one text, yielding nothing but turns; returns what it matches."""
        found: list[Found] = []
        for start in range(0, len(text), STEP):
            found.extend(self.find(f"{_CUT if start else ''}{text[start : start + STEP + OVERLAP]}"))
            yield
        return tuple(dict.fromkeys(found))


def _chain(memory: Memory, keys: Sequence[bytes]) -> bytes:
    """One digest for a run of leaves."""
    return memory.digest(b"".join(keys).hex())
