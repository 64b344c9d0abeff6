"""Judge a prompt for injection: leaf by leaf, then windows over neighbours, and nothing that was judged before.

A conversation that was clean is remembered as a prefix, so that its next turn costs what is new in it.
"""

from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

from outgate.detectors.injection.matcher import Matcher
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.rules import RULES
from outgate.detectors.injection.variants import words
from outgate.detectors.normalise import unescape
from outgate.detectors.windows import ATTACK_WIDTH, attack_text, attack_windows
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.inference.verdict import Action, Extent, Match, Verdict, extents

STEP, OVERLAP = 16_384, 1_024
"""Characters judged at a stretch, and seen again with the next: an attack is shorter."""
_SPOKEN = frozenset(
    {Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS}
)

_LEFT_OUT, _QUIET, _SPOKEN_PLACE = range(3)
"""Places of a channel: not judged, judged ahead of the conversation, judged in it."""


class Memory(Protocol):
    """What the guard needs of a memo (stores.memo.Memo)."""

    def digest(self, text: str) -> bytes: ...

    def digests(self, prompt: Prompt) -> tuple[bytes, ...]: ...

    def get(self, tenant: str, kind: str, digest: bytes) -> Any | None: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> list[Any | None]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None: ...


class Judged(NamedTuple):
    """The ids of the rules that matched, and how much text was read, by channel; a leaf that is remembered counts as read."""

    ids: tuple[str, ...]
    scanned: tuple[Extent, ...]
    unjudged: tuple[Extent, ...]
    revision: str

    def verdict(self, action: Action) -> Verdict:
        matches = tuple(Match(rule, rule.partition(".")[0]) for rule in self.ids)
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
        self._matcher = Matcher([rule for rule in RULES if rule.id not in disabled], phrases)
        self._patterns = [(f"pattern.{number}", bounded(pattern)) for number, pattern in enumerate(patterns, 1)]
        self._memory = memory
        self.revision = sha256(repr((RULES, sorted(disabled), phrases, patterns)).encode()).hexdigest()[:12]
        self._places = {c: (_SPOKEN_PLACE if c in _SPOKEN else _QUIET) if c in self._channels else _LEFT_OUT for c in Channel}
        kind = memory.digest(repr((sorted(channels), sorted(disabled), phrases, patterns))).hex()
        self._kind, self._prefix_kind = f"guard:{kind}", f"guarded:{kind}"

    def judge(self, prompt: Prompt, tenant: str) -> Iterator[Judged | None]:
        """None after each stretch of work, so that others get their turn; at last what was found.

        Every stretch is bounded: a leaf is read in slices. Stops at the first leaf or window that matches.
        """
        quiet, spoken, scanned, unjudged = self._chosen(prompt)
        chosen = (*quiet, *spoken)
        digests = self._memory.digests(prompt)
        keys = [digests[i] for i in chosen]
        texts = [prompt.leaves[i].text for i in chosen]
        clean = self._clean_prefix(tenant, keys)
        ids, read = yield from self._work(tenant, texts, keys, len(quiet), clean)
        if not ids and clean < len(keys):
            self._memory.put(tenant, self._prefix_kind, keys[0], (len(keys), _chain(self._memory, keys)), 64)
        if read < len(chosen):
            scanned = _measured(prompt.leaves[i] for i in chosen[:read])
            rest = set(range(len(prompt.leaves))).difference(chosen[:read])
            unjudged = _measured(prompt.leaves[i] for i in sorted(rest))
        yield Judged(ids, scanned, unjudged, self.revision)

    def find(self, text: str) -> tuple[str, ...]:
        """The ids of all rules, phrases and patterns that one text matches."""
        found = self._matcher.find(text)
        if self._patterns:
            plain = " ".join(words(unescape(text)))
            found += tuple(name for name, pattern in self._patterns if pattern.search(plain))
        return found

    def _chosen(self, prompt: Prompt) -> tuple[list[int], list[int], tuple[Extent, ...], tuple[Extent, ...]]:
        """The leaves to judge: those that do not change from turn to turn first, then the conversation; how much text they are,
        and how much is left out. One look-up a leaf: every turn of a conversation comes by with all that was before.
        """
        quiet: list[int] = []
        spoken: list[int] = []
        places, texts = self._places, defaultdict[Channel, list[str]](list)
        for i, (_, _, text, channel, turn) in enumerate(prompt.leaves):
            if text:
                texts[channel].append(text)
                place = places[channel]
                if place:
                    (spoken if turn >= 0 and place == _SPOKEN_PLACE else quiet).append(i)
        found = [(channel, Extent(channel.value, len(its), sum(map(len, its)))) for channel, its in texts.items()]
        scanned = tuple(extent for channel, extent in found if places[channel])
        return quiet, spoken, scanned, tuple(extent for channel, extent in found if not places[channel])

    def _clean_prefix(self, tenant: str, keys: Sequence[bytes]) -> int:
        """How many leaves, from the first on, are known to be clean together."""
        known = self._memory.get(tenant, self._prefix_kind, keys[0]) if keys else None
        if known is None or known[0] > len(keys) or known[1] != _chain(self._memory, keys[: known[0]]):
            return 0
        return int(known[0])

    def _work(
        self, tenant: str, texts: Sequence[str], keys: Sequence[bytes], first_spoken: int, clean: int
    ) -> Generator[None, None, tuple[tuple[str, ...], int]]:
        """Judge new leaves, then new windows, yielding turns. Returns what matched first, and how many leaves were read."""
        known = self._memory.get_many(tenant, self._kind, keys[clean:])
        for read, (text, key, ids) in enumerate(zip(texts[clean:], keys[clean:], known, strict=True), clean + 1):
            if ids is None:
                ids = yield from self._slices(text)  # noqa: PLW2901
                self._memory.put(tenant, self._kind, key, ids)
            if ids:
                return ids, read
        first = max(first_spoken, clean - ATTACK_WIDTH)
        for start, end in attack_windows([len(text) for text in texts[first:]]):
            key = b"".join(keys[first + start : first + end])
            ids = self._memory.get(tenant, self._kind, key)
            if ids is None:
                ids = self._matcher.find(attack_text(texts[first + start : first + end]))
                self._memory.put(tenant, self._kind, key, ids)
                yield
            if ids:
                return ids, len(keys)
        return (), len(keys)

    def _slices(self, text: str) -> Generator[None, None, tuple[str, ...]]:
        """Judge one text, yielding nothing but turns; returns what it matches."""
        found: list[str] = []
        for start in range(0, len(text), STEP):
            found.extend(self.find(text[start : start + STEP + OVERLAP]))
            yield
        return tuple(dict.fromkeys(found))


def _measured(leaves: Iterable[Leaf]) -> tuple[Extent, ...]:
    return extents((leaf.channel.value, leaf.text) for leaf in leaves if leaf.text)


def _chain(memory: Memory, keys: Sequence[bytes]) -> bytes:
    """One digest for a run of leaves."""
    return memory.digest(b"".join(keys).hex())
