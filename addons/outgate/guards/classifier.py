"""Ask the model `injection` about what is new in a prompt, each text once per tenant while it is remembered.

A leaf is asked about by itself, in slices, and with its neighbours of the same channel, so that a text split over parts or messages
is read as one. A conversation is remembered as a prefix with what was found in it. One question a request where little is new;
what takes several is remembered as it comes in, so that who asks again goes on from there.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from outgate.detectors.injection.finding import Placed, Weight
from outgate.detectors.windows import ATTACK_WIDTH, READ, Run, readings, runs
from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.inference.verdict import Extent
from outgate.model_server.pieces import portions
from outgate.model_server.wire import Models, ModelServerError

MODEL = "injection"
STEP, OVERLAP = 16_384, 1_024
"""Characters of a slice, and seen again with the next."""
PORTION = 65_536
"""Characters that are asked about at once."""
_OPENING = 5
"""Leaves by which a conversation is known again; a shorter one, by all of them."""


class Scored(NamedTuple):
    """A text, by its position among those of the channel, that is at the threshold."""

    at: int
    score: float


class Classifier:
    """The model, for the leaves of these channels of a prompt. `name` is `user`, `tool` or `system`: how the model calls them."""

    def __init__(
        self, name: str, channels: Collection[Channel], threshold: float, weight: Weight, models: Models, memo: Memory
    ) -> None:
        self.rule = f"classifier.{name}"
        self._channels, self._threshold, self._weight = frozenset(channels), threshold, weight
        self._models, self._memo, self._options = models, memo, (name,)
        self._kind, self._prefix_kind = f"injection:{name}", f"classified:{name}:{threshold}:{sorted(channels)}"

    def extent(self, prompt: Prompt) -> Iterator[Extent]:
        """How much of a prompt it reads, if anything."""
        texts = [prompt.leaves[i].text for i in self._chosen(prompt)]
        if texts:
            yield Extent(self.rule, len(texts), sum(map(len, texts)))

    async def find(self, prompt: Prompt, principal: Principal) -> list[Placed]:
        """The leaves at the threshold; of a text split over several the one that completes it. Raises ModelServerError."""
        chosen = self._chosen(prompt)
        digests = self._memo.digests(prompt)
        keys = [digests[i] for i in chosen]
        done, found = self._known(principal.tenant, keys)
        if done < len(keys):
            found = await self._judged([prompt.leaves[i].text for i in chosen], done, found, principal)
            value = len(keys), self._chain(keys), found
            self._memo.put(principal.tenant, self._prefix_kind, self._chain(keys[:_OPENING]), value, 64 + 64 * len(found))
        return [Placed(chosen[one.at], self.rule, self._weight, one.score) for one in found]

    def _chosen(self, prompt: Prompt) -> list[int]:
        return [i for i, leaf in enumerate(prompt.leaves) if leaf.channel in self._channels and leaf.text]

    def _known(self, tenant: str, keys: Sequence[bytes]) -> tuple[int, tuple[Scored, ...]]:
        """How many texts, from the first on, were judged together, and what was found in them."""
        for size in range(min(_OPENING, len(keys)), 0, -1):
            known = self._memo.get(tenant, self._prefix_kind, self._chain(keys[:size]))
            if known is not None and known[0] <= len(keys) and known[1] == self._chain(keys[: known[0]]):
                return known[0], known[2]
        return 0, ()

    def _chain(self, keys: Iterable[bytes]) -> bytes:
        return self._memo.digest(b"".join(keys).hex())

    async def _judged(
        self, texts: Sequence[str], done: int, before: tuple[Scored, ...], principal: Principal
    ) -> tuple[Scored, ...]:
        """What is found in all texts, those before `done` being known."""
        slices = {at: _slices(texts[at]) for at in range(done, len(texts))}
        together = _runs(texts, done, {one.at for one in before})
        read = [text for run in together for text in readings(run)]
        scores = await self._scores([*(text for some in slices.values() for text in some), *read], principal)
        own = [Scored(at, max(scores[text] for text in some)) for at, some in slices.items()]
        found = [*before, *(one for one in own if one.score >= self._threshold)]
        if len(found) > len(before):  # what goes on is read together without what was found
            together = _runs(texts, done, {one.at for one in found})
        for run in together:
            found += await self._completed(run, done, principal)
        return tuple(sorted({one.at: one for one in found}.values()))

    async def _completed(self, run: Run, done: int, principal: Principal) -> list[Scored]:
        """The text that completes what a run says together."""
        score = await self._score(run, principal)
        if score < self._threshold:
            return []
        for end in range(2, len(run)) if len(run) <= ATTACK_WIDTH else ():
            if run[end - 1][0] >= done and await self._score(run[:end], principal) >= self._threshold:
                return [Scored(run[end - 1][0], score)]
        return [Scored(run[-1][0], score)]

    async def _score(self, run: Run, principal: Principal) -> float:
        return max((await self._scores(readings(run), principal)).values())

    async def _scores(self, texts: Iterable[str], principal: Principal) -> dict[str, float]:
        """The score of each text; what was answered until a failure is remembered."""
        digests = {text: self._memo.digest(text) for text in texts}
        known = self._memo.get_many(principal.tenant, self._kind, list(digests.values()))
        scores: dict[str, float] = {text: score for text, score in zip(digests, known, strict=True) if score is not None}
        for portion in portions([text for text in digests if text not in scores], PORTION):
            share = f"{principal.tenant}/{principal.name}"
            answers = await self._models.ask(MODEL, portion, options=self._options, share=share)
            for text, score in zip(portion, map(_score_of, answers), strict=True):
                scores[text] = score
                self._memo.put(principal.tenant, self._kind, digests[text], score)
        return scores


def _score_of(answer: Any) -> float:
    score = answer[0] if isinstance(answer, list) and answer else None
    if not isinstance(score, float | int) or not 0 <= score <= 1:
        raise ModelServerError("protocol")
    return float(score)


def _slices(text: str) -> list[str]:
    return [text[start : start + STEP + OVERLAP] for start in range(0, len(text), STEP)]


def _runs(texts: Sequence[str], done: int, found: Collection[int]) -> list[Run]:
    """The runs that hold a text from `done` on, without what was found."""
    first, total = done, 0
    while first and total < READ:
        first -= 1
        total += len(texts[first])
    kept = [(at, texts[at]) for at in range(first, len(texts)) if at not in found]
    return [run for run in runs(kept) if run[-1][0] >= done]
