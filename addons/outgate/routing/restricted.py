"""Find restricted topics in a prompt: each new text is read by sentences, in passages, and with its neighbours.

What was decided about a text is remembered per tenant, so that a conversation that comes again asks about its last turn alone.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from outgate.detectors.injection.finding import Placed, Weight
from outgate.detectors.normalise import normalise
from outgate.detectors.output.toxicity import sentences
from outgate.detectors.windows import attack_text, attack_windows
from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.routing.semantic import Semantic

PASSAGE = 200
"""Characters that are compared at once, at most: in a longer passage what is said once is lost."""
LONG = 4_000
"""Characters above which a text would take too long, sentence by sentence."""
_LEAST = 8
"""Characters below which a sentence is read with others only, unless it is all there is."""
_PORTION = 32
"""Passages of one question to the model server."""

type Topics = tuple[tuple[str, float], ...]
"""Topics that a text touches, with their scores."""


class Restricted:
    """The topics of one rule, in the leaves of these channels; `embedder` are the options of the model `embed`."""

    def __init__(self, semantic: Semantic, memo: Memory, channels: Collection[Channel], embedder: tuple[str, ...]) -> None:
        self._semantic, self._memo, self._channels = semantic, memo, frozenset(channels)
        self._kind = f"topics:{memo.digest(f'{semantic.rule.model_dump_json()} {embedder}').hex()}"

    def chosen(self, prompt: Prompt) -> list[int]:
        """The leaves that are read."""
        return [at for at, leaf in enumerate(prompt.leaves) if leaf.channel in self._channels and leaf.text.strip()]

    async def find(self, prompt: Prompt, principal: Principal) -> list[Placed]:
        """The leaves that touch a topic; of a text split over several, the one that completes it. Raises ModelServerError."""
        texts = {at: prompt.leaves[at].text for at in self.chosen(prompt)}
        alone = dict(zip(texts, await self._topics(list(texts.values()), principal), strict=True))
        found = {at: topics for at, topics in alone.items() if topics}
        for run in _neighbours(prompt, [at for at in texts if at not in found]):
            await self._together(run, texts, found, principal)
        return [_placed(at, name, score) for at, topics in sorted(found.items()) for name, score in topics]

    async def _together(self, run: Sequence[int], texts: dict[int, str], found: dict[int, Topics], principal: Principal) -> None:
        """Add to `found` the leaves that complete what neighbours say together; whatever follows, they are read without it."""
        windows = attack_windows([len(texts[at]) for at in run])
        pieces = [run[first:end] for first, last in windows for end in range(first + 2, last + 1)]
        read = await self._topics([attack_text([texts[at] for at in piece]) for piece in pieces], principal)
        for piece, topics in zip(pieces, read, strict=True):
            if topics and found.keys().isdisjoint(piece):
                found[piece[-1]] = topics

    async def _topics(self, texts: Sequence[str], principal: Principal) -> list[Topics]:
        """The topics of each text; new ones are asked about together."""
        digests = {text: self._memo.digest(text) for text in texts}
        known = dict(zip(digests, self._memo.get_many(principal.tenant, self._kind, list(digests.values())), strict=True))
        new = [text for text, topics in known.items() if topics is None]
        for text, topics in (await self._judged(new, principal)).items():
            known[text] = topics
            self._memo.put(principal.tenant, self._kind, digests[text], topics, 64)
        return [known[text] for text in texts]

    async def _judged(self, texts: Sequence[str], principal: Principal) -> dict[str, Topics]:
        best: dict[str, dict[str, float]] = {text: {} for text in texts}
        read = [(text, passage) for text in texts for passage in passages(normalise(text).text)]
        for start in range(0, len(read), _PORTION):
            portion = read[start : start + _PORTION]
            judged = await self._semantic.judge_all([passage for _, passage in portion], principal)
            for (text, _), (scores, decided) in zip(portion, judged, strict=True):
                if decided:
                    best[text][scores.name] = max(scores.score, best[text].get(scores.name, scores.score))
        return {text: tuple(topics.items()) for text, topics in best.items()}


def passages(text: str) -> Iterator[str]:
    """Sentences that stand together, up to PASSAGE characters; in a text that is not LONG also each by itself, so that nothing
    around it hides it.
    """
    pieces = [cut for start, end in sentences(text) for cut in _cut(text[start:end])]
    alone = pieces if len(text) <= LONG else ()
    read = [piece.strip() for piece in (*alone, *_packed(pieces))]
    yield from dict.fromkeys(piece for piece in read if len(piece) >= _LEAST or piece == text.strip() != "")


def _packed(pieces: Iterable[str]) -> Iterator[str]:
    passage = ""
    for piece in pieces:
        if len(passage) + len(piece) > PASSAGE:
            yield passage
            passage = ""
        passage += piece
    yield passage


def _cut(sentence: str) -> Iterator[str]:
    """A long sentence, between words where it can be."""
    while len(sentence) > PASSAGE:
        end = sentence.rfind(" ", PASSAGE // 2, PASSAGE) + 1 or PASSAGE
        yield sentence[:end]
        sentence = sentence[end:]
    yield sentence


def _neighbours(prompt: Prompt, chosen: Sequence[int]) -> Iterator[list[int]]:
    """Leaves of a channel between which the model has said nothing."""
    turns, said = {}, 0
    for at, leaf in enumerate(prompt.leaves):
        said += leaf.channel is Channel.ASSISTANT
        turns[at] = leaf.channel, said
    for channel in dict.fromkeys(prompt.leaves[at].channel for at in chosen):
        own = [at for at in chosen if prompt.leaves[at].channel is channel]
        yield from (run for _, several in groupby(own, turns.__getitem__) if len(run := list(several)) > 1)


def _placed(at: int, name: str, score: float) -> Placed:
    return Placed(at, f"topic.{name}", Weight.CERTAIN, min(1.0, max(0.0, score)))
