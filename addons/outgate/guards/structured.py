"""Find structured personal data in every string of a prompt: what may hold some is asked about in pieces.

Each piece is remembered as it comes in. A value split over the parts of a message is found too. Who asks again goes on from there.
"""

from functools import partial

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.pii.prefilter import candidates
from outgate.detectors.pii.seams import by_leaf, seams
from outgate.detectors.pii.slices import merge
from outgate.guards.turns import in_turns
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Prompt
from outgate.model_server.pieces import PiiPieces, PiiPort
from outgate.stores.memo import Memo

type Found = dict[int, tuple[Finding, ...]]
"""Findings by leaf."""
_FOREIGN = 7
"""How often each byte counts that a text has more in UTF-8 than characters: so much dearer it is to bring into normal form."""
FINDING = 80
"""Bytes that a finding costs in a memo."""


class Structured:
    """Finds these kinds, by presidio's names."""

    def __init__(self, models: PiiPort, memo: Memo, entities: tuple[str, ...]) -> None:
        self._memo, self._entities = memo, entities
        self._pieces, self._kind = PiiPieces(models, memo, entities), "pii:" + ",".join(entities)

    async def findings(self, prompt: Prompt, principal: Principal) -> Found:
        """Findings by leaf: each leaf's own, and its share of those that cross into its neighbours."""
        leaves, memo = prompt.leaves, self._memo
        across = list(seams(leaves))
        texts = [leaf.text for leaf in leaves] + [seam.text for seam in across]
        digests = [*memo.digests(prompt), *(memo.digest(text) for text in texts[len(leaves) :])]
        known = memo.get_many(principal.tenant, self._kind, digests)
        for i, leaf in enumerate(leaves):
            if leaf.channel is Channel.SEALED:
                known[i] = ()
        fresh = {digests[i]: texts[i] for i, findings in enumerate(known) if findings is None}
        if fresh:
            judged = await self._judged(fresh, principal)
            known = [judged[digests[i]] if findings is None else findings for i, findings in enumerate(known)]
        return by_leaf(known[: len(leaves)], across, known[len(leaves) :])

    async def _judged(self, fresh: dict[bytes, str], principal: Principal) -> dict[bytes, tuple[Finding, ...]]:
        parts = await in_turns(fresh, partial(candidates, kinds=self._entities), _cost)
        found = await self._pieces.findings([piece.text for some in parts.values() for piece in some], principal)
        judged = {digest: disjoint(merge(some, [found[piece.text] for piece in some])) for digest, some in parts.items()}
        for digest, findings in judged.items():
            self._memo.put(principal.tenant, self._kind, digest, findings, FINDING * len(findings))
        return judged


def _cost(text: str) -> int:
    return len(text) + _FOREIGN * (len(text.encode("utf-8", "surrogatepass")) - len(text))
