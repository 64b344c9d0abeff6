"""Judge a prompt for injection: leaf by leaf, then windows over neighbours, and nothing that was judged before.

A conversation that was clean is remembered as a prefix, so that its next turn costs what is new in it.
"""

from collections.abc import Collection, Generator, Iterator, Sequence
from typing import Any, Protocol

from outgate.detectors.injection.matcher import Matcher
from outgate.detectors.injection.patterns import bounded
from outgate.detectors.injection.rules import RULES
from outgate.detectors.injection.variants import words
from outgate.detectors.normalise import unescape
from outgate.detectors.windows import ATTACK_WIDTH, attack_text, attack_windows
from outgate.inference.prompt import Channel, Prompt

STEP, OVERLAP = 16_384, 1_024
"""Characters judged at a stretch, and seen again with the next: an attack is shorter."""
_SPOKEN = frozenset(
    {Channel.SYSTEM, Channel.USER, Channel.ASSISTANT, Channel.REASONING, Channel.TOOL_RESULT, Channel.TOOL_ARGUMENTS}
)


class Memory(Protocol):
    """What the guard needs of a memo (stores.memo.Memo)."""

    def digest(self, text: str) -> bytes: ...

    def digests(self, prompt: Prompt) -> tuple[bytes, ...]: ...

    def get(self, tenant: str, kind: str, digest: bytes) -> Any | None: ...

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> list[Any | None]: ...

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None: ...


class Guard:
    """Rules over a prompt. `patterns` are bounded regular expressions over normalised words, reported as `pattern.<n>`."""

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
        kind = memory.digest(repr((sorted(channels), sorted(disabled), phrases, patterns))).hex()
        self._kind, self._prefix_kind = f"guard:{kind}", f"guarded:{kind}"

    def judge(self, prompt: Prompt, tenant: str) -> Iterator[tuple[str, ...] | None]:
        """None after each stretch of work, so that others get their turn; at last the ids of the rules that matched.

        Every stretch is bounded: a leaf is read in slices. Stops at the first leaf or window that matches.
        """
        quiet, spoken = self._chosen(prompt)
        digests = self._memory.digests(prompt)
        keys = [digests[i] for i in (*quiet, *spoken)]
        texts = [prompt.leaves[i].text for i in (*quiet, *spoken)]
        clean = self._clean_prefix(tenant, keys)
        for ids in self._work(tenant, texts, keys, len(quiet), clean):
            if ids:
                yield ids
                return
            yield None
        if clean < len(keys):
            self._memory.put(tenant, self._prefix_kind, keys[0], (len(keys), _chain(self._memory, keys)), 64)
        yield ()

    def find(self, text: str) -> tuple[str, ...]:
        """The ids of all rules, phrases and patterns that one text matches."""
        found = self._matcher.find(text)
        if self._patterns:
            plain = " ".join(words(unescape(text)))
            found += tuple(name for name, pattern in self._patterns if pattern.search(plain))
        return found

    def _chosen(self, prompt: Prompt) -> tuple[list[int], list[int]]:
        """The leaves to judge: those that do not change from turn to turn first, then the conversation."""
        quiet: list[int] = []
        spoken: list[int] = []
        for i, leaf in enumerate(prompt.leaves):
            if leaf.channel in self._channels and leaf.text:
                (spoken if leaf.turn >= 0 and leaf.channel in _SPOKEN else quiet).append(i)
        return quiet, spoken

    def _clean_prefix(self, tenant: str, keys: Sequence[bytes]) -> int:
        """How many leaves, from the first on, are known to be clean together."""
        known = self._memory.get(tenant, self._prefix_kind, keys[0]) if keys else None
        if known is None or known[0] > len(keys) or known[1] != _chain(self._memory, keys[: known[0]]):
            return 0
        return int(known[0])

    def _work(
        self, tenant: str, texts: Sequence[str], keys: Sequence[bytes], first_spoken: int, clean: int
    ) -> Iterator[tuple[str, ...]]:
        """What each stretch of work finds: leaves that are new, then windows that are."""
        known = self._memory.get_many(tenant, self._kind, keys[clean:])
        for text, key, ids in zip(texts[clean:], keys[clean:], known, strict=True):
            if ids is None:
                ids = yield from self._slices(text)  # noqa: PLW2901
                self._memory.put(tenant, self._kind, key, ids)
            if ids:
                yield ids
        first = max(first_spoken, clean - ATTACK_WIDTH)
        for start, end in attack_windows([len(text) for text in texts[first:]]):
            key = b"".join(keys[first + start : first + end])
            ids = self._memory.get(tenant, self._kind, key)
            if ids is None:
                ids = self._matcher.find(attack_text(texts[first + start : first + end]))
                self._memory.put(tenant, self._kind, key, ids)
                yield ids
            elif ids:
                yield ids

    def _slices(self, text: str) -> Generator[tuple[str, ...], None, tuple[str, ...]]:
        """Judge one text, yielding nothing but turns; returns what it matches."""
        found: list[str] = []
        for start in range(0, len(text), STEP):
            found.extend(self.find(text[start : start + STEP + OVERLAP]))
            yield ()
        return tuple(dict.fromkeys(found))


def _chain(memory: Memory, keys: Sequence[bytes]) -> bytes:
    """One digest for a run of leaves."""
    return memory.digest(b"".join(keys).hex())
