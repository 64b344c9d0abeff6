"""Judge an answer sentence by sentence: the last one is undecided until the next begins, or until it is too long to wait for."""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from outgate.detectors.output.judge import Look, Span, SpanJudge
from outgate.detectors.output.settings import OutputSettings
from outgate.detectors.output.toxicity import CONTEXT, sentences
from outgate.inference.judge import Part


class SentenceJudge(SpanJudge):
    """Scores each sentence together with what stands before it; `threshold` and more is found."""

    def __init__(self, settings: OutputSettings, window: int, threshold: float) -> None:
        super().__init__(settings, reach=CONTEXT, longest=window)
        self._threshold = threshold

    def windows(self, text: str, begin: int, undecided: int) -> Iterator[tuple[int, int, str]]:
        """The sentences that are decided now, each with what is read of it."""
        for start, end in sentences(text[begin:undecided]):
            start, end = begin + start, begin + end  # noqa: PLW2901
            yield start, end, text[max(0, min(start, end - CONTEXT)) : end]

    def undecided(self, text: str, begin: int, *, final: bool) -> int:
        """Where the last sentence begins."""
        if final:
            return len(text)
        last = max((start for start, _ in sentences(text[begin:])), default=0)
        return max(begin + last, len(text) - self._longest)


class ScoredJudge(SentenceJudge):
    """The judge of a model that is asked at once."""

    def __init__(self, settings: OutputSettings, window: int, threshold: float, score: Callable[[str], float], rule: str) -> None:
        super().__init__(settings, window, threshold)
        self._score, self._rule = score, rule

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: ARG002, FBT001
        undecided = self.undecided(text, begin, final=final)
        found: list[Span] = []
        for start, end, read in self.windows(text, begin, undecided):
            score = self._score(read)
            self.score = max(self.score, score)
            if score >= self._threshold:
                found.append(Span(start, end, self._rule))
        return Look(found, undecided)


class AskedJudge(SentenceJudge):
    """The judge of a model that answers later: `ask` gives the score of a text, and the rule under which it is found, if it is."""

    def __init__(
        self, settings: OutputSettings, window: int, least: int, ask: Callable[[str], Awaitable[tuple[float, str]]]
    ) -> None:
        super().__init__(settings, window, 0.0)
        self._least, self._ask = least, ask

    def look(self, part: Part, text: str, begin: int, final: bool, /) -> Look | Awaitable[Look]:  # noqa: ARG002, FBT001
        undecided = self.undecided(text, begin, final=final)
        reads = [one for one in self.windows(text, begin, undecided) if len(one[2].strip()) >= self._least]
        return self._asked(reads, undecided) if reads else Look((), undecided)

    async def _asked(self, reads: Sequence[tuple[int, int, str]], undecided: int) -> Look:
        found: list[Span] = []
        for start, end, read in reads:
            score, rule = await self._ask(read)
            self.score = max(self.score, score)
            if rule:
                found.append(Span(start, end, rule))
        return Look(found, undecided)
