"""Find names and places in every string of a prompt: its lines of prose go to the model `ner`, once each."""

from asyncio import sleep, to_thread
from collections.abc import Sequence
from typing import Any, Protocol

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.names.prose import prose
from outgate.detectors.names.seams import name_seams
from outgate.detectors.pii.seams import by_leaf
from outgate.detectors.pii.slices import Slice, merge
from outgate.guards.structured import FINDING, Found
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.model_server.client import findings
from outgate.model_server.pieces import PiiPieces
from outgate.stores.memo import Memo

_TURN, _LONG = 16_384, 65_536
"""Characters screened before others on the event loop have their turn, and in a text that is screened in a thread instead."""


class Asking(Protocol):
    """The part of ModelClient that asks any model."""

    async def ask(self, model: str, items: Sequence[str], *, options: tuple[str, ...] = (), share: str = "") -> list[Any]: ...


class NerPort:
    """The model `ner` in the form in which pieces are asked about."""

    def __init__(self, models: Asking) -> None:
        self._models = models

    async def detect_pii(self, texts: Sequence[str], entities: tuple[str, ...], share: str) -> Sequence[tuple[Finding, ...]]:
        answers = await self._models.ask("ner", texts, options=entities, share=share)
        return [findings(answer) for answer in answers]


class Named:
    """Finds these kinds of names. `values` looks into comments and quoted strings of code too."""

    def __init__(self, models: Asking, memo: Memo, kinds: tuple[str, ...], *, values: bool) -> None:
        self._memo, self._values = memo, values
        self._pieces, self._kind = PiiPieces(NerPort(models), memo, kinds), f"ner:{values}:" + ",".join(kinds)

    async def findings(self, prompt: Prompt, principal: Principal) -> Found:
        """Findings by leaf: each leaf's own, and its share of a name that is cut over parts."""
        memo, leaves = self._memo, prompt.leaves
        across = list(name_seams(leaves))
        digests = [*memo.digests(prompt), *(memo.digest(seam.text) for seam in across)]
        known = memo.get_many(principal.tenant, self._kind, digests)
        fresh: dict[bytes, tuple[Slice, ...]] = {}
        for at, found in enumerate(known):
            if at < len(leaves) and leaves[at].channel is Channel.SEALED:
                known[at] = ()
            elif found is None and digests[at] not in fresh:
                fresh[digests[at]] = (
                    await self._screened(leaves[at].text) if at < len(leaves) else _whole(across[at - len(leaves)].text)
                )
        judged = await self._judged(fresh, principal)
        known = [judged[digests[at]] if found is None else found for at, found in enumerate(known)]
        return by_leaf(known[: len(leaves)], across, known[len(leaves) :])

    async def _judged(self, fresh: dict[bytes, tuple[Slice, ...]], principal: Principal) -> dict[bytes, tuple[Finding, ...]]:
        found = await self._pieces.findings([piece.text for some in fresh.values() for piece in some], principal)
        judged = {digest: disjoint(merge(some, [found[piece.text] for piece in some])) for digest, some in fresh.items()}
        for digest, findings_ in judged.items():
            self._memo.put(principal.tenant, self._kind, digest, findings_, FINDING * len(findings_))
        return judged

    async def _screened(self, text: str) -> tuple[Slice, ...]:
        if len(text) > _LONG:
            return await to_thread(self._slices, text)
        if len(text) > _TURN:
            await sleep(0)
        return self._slices(text)

    def _slices(self, text: str) -> tuple[Slice, ...]:
        return tuple(prose(text, values=self._values))


def _whole(text: str) -> tuple[Slice, ...]:
    return (Slice(text, 0, 0, len(text)),)
