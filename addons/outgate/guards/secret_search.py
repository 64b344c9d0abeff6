"""Search a prompt for secrets: screened in the worker, judged by the model server, each text once while it is remembered.

A secret cut over parts of a message is found across their seams. The output side takes `search` for one text.
"""

from collections.abc import Mapping, Sequence

from outgate.detectors.finding import Finding, disjoint
from outgate.detectors.pii.seams import Piece, by_leaf, seams
from outgate.detectors.pii.slices import merge
from outgate.detectors.secrets.rules import SPOKEN
from outgate.detectors.secrets.screen import candidates
from outgate.guards.turns import in_turns
from outgate.inference.memory import Memory
from outgate.inference.principal import Principal
from outgate.inference.prompt import Channel, Leaf, Prompt
from outgate.model_server.client import findings
from outgate.model_server.pieces import portions
from outgate.model_server.wire import Models

REVISION = "3"
"""Raise it whenever rules or screen change."""
_KIND = f"secrets:{REVISION}"
_FINDING = 80
_SIGNED = 256
_ACROSS = 512
"""Characters of each side of a seam: longer than most tokens."""


class SecretSearch:
    """Secrets in texts, as findings whose entity is the rule. Raises ModelServerError."""

    def __init__(self, models: Models, memo: Memory) -> None:
        self._models, self._memo = models, memo

    async def prompt(self, prompt: Prompt, principal: Principal) -> dict[int, tuple[Finding, ...]]:
        """Findings by leaf: each leaf's own, and its share of those that cross into its neighbours."""
        leaves, memo = prompt.leaves, self._memo
        across = list(seams(leaves, _ACROSS, _may_cross, members_directly=True))
        texts = [leaf.text for leaf in leaves] + [seam.text for seam in across]
        digests = [*memo.digests(prompt), *(memo.digest(text) for text in texts[len(leaves) :])]
        known = memo.get_many(principal.tenant, _KIND, digests)
        sealed = {i for i, leaf in enumerate(leaves) if is_unread(leaf)}
        fresh = {digests[i]: texts[i] for i, found in enumerate(known) if found is None and i not in sealed}
        judged = await self._judged(fresh, principal) if fresh else {}
        every = [() if i in sealed else judged[digests[i]] if found is None else found for i, found in enumerate(known)]
        every[: len(leaves)] = [_of(leaf, found) for leaf, found in zip(leaves, every, strict=False)]
        return by_leaf(every[: len(leaves)], across, every[len(leaves) :], _is_token)

    async def search(self, text: str, principal: Principal) -> tuple[Finding, ...]:
        """Findings of one text, disjoint and in order."""
        digest = self._memo.digest(text)
        (known,) = self._memo.get_many(principal.tenant, _KIND, (digest,))
        if known is None:
            known = (await self._judged({digest: text}, principal))[digest]
        found: tuple[Finding, ...] = known
        return found

    async def _judged(self, fresh: Mapping[bytes, str], principal: Principal) -> dict[bytes, tuple[Finding, ...]]:
        parts = await in_turns(fresh, candidates)
        told: dict[str, tuple[Finding, ...]] = {}
        for portion in portions(dict.fromkeys(piece.text for some in parts.values() for piece in some)):
            answers = await self._models.ask("secrets", portion, share=f"{principal.tenant}/{principal.name}")
            told |= {text: findings(answer) for text, answer in zip(portion, answers, strict=True)}
        judged = {digest: disjoint(merge(some, [told[piece.text] for piece in some])) for digest, some in parts.items()}
        for digest, found in judged.items():
            self._memo.put(principal.tenant, _KIND, digest, found, _FINDING * len(found))
        return judged


def is_unread(leaf: Leaf) -> bool:
    """Whether it is ciphertext, and longer than a token that somebody may have put in its place."""
    return leaf.channel is Channel.SEALED and len(leaf.text) > _SIGNED


def _of(leaf: Leaf, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """What a leaf holds: of ciphertext, only all of it."""
    if leaf.channel is not Channel.SEALED:
        return found
    return tuple(one for one in found if _is_token(one) and one.end - one.start == len(leaf.text))


def _may_cross(pieces: Sequence[Piece]) -> bool:
    """A token may go on over a border that no space stands at, but for a line end, or be any run of short pieces."""
    left, right = pieces[0].text, pieces[1].text
    space = left[len(left.rstrip()) :] + right[: len(right) - len(right.lstrip())]
    return len(pieces) > 2 or not space or "\n" in space


def _is_token(found: Finding) -> bool:
    """Between two messages only what has a form of its own counts: words around a value are those of another text."""
    return found.score > SPOKEN
