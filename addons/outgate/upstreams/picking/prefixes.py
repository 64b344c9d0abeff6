"""Prefix blocks of prompts: a chain of hashes over what is sent, and which replica has probably which blocks in its cache.

A hash of the chain stands for everything before it, so two prompts share a block only where they share all text up to it. The seed
is secret, and another for each tenant and model: one tenant's prompts say nothing about where another's are.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable, Iterable
from hashlib import blake2b
from itertools import accumulate
from typing import Protocol

BLOCK = 256
"""Characters of a block, about 64 tokens."""
MOST = 512
"""Blocks of a prompt that are looked at."""

type Chain = tuple[Hashable, ...]


class Text(Protocol):
    """A string of a prompt, and the index of its message (-1 outside messages)."""

    @property
    def text(self) -> str: ...
    @property
    def turn(self) -> int: ...


def chain_of(seed: bytes, leaves: Iterable[Text]) -> Chain:
    """The hashes of the whole blocks behind a seed. They are this process's own: Python's hash of a text is keyed (SipHash), and
    costs a quarter of a digest.
    """
    text = _beginning(leaves, BLOCK * MOST)
    blocks = (text[at : at + BLOCK] for at in range(0, min(len(text) - BLOCK + 1, BLOCK * MOST), BLOCK))
    chain: Iterable[Hashable] = accumulate(blocks, lambda before, block: hash((before, block)), initial=seed)
    return tuple(chain)[1:]


def head_of(seed: bytes, leaves: Iterable[Text]) -> bytes:
    """The digest of the first block behind a seed, the same in every process; the seed where there is no whole block."""
    text = _beginning(leaves, BLOCK)
    return blake2b(seed + text[:BLOCK].encode("utf-8", "surrogatepass"), digest_size=8).digest() if len(text) >= BLOCK else seed


def _beginning(leaves: Iterable[Text], size: int) -> str:
    """At least so many characters, what stands outside messages (system, tools) first, as engines put it."""
    pieces, known = [], 0
    for leaf in sorted(leaves, key=lambda leaf: leaf.turn >= 0):
        pieces.append(leaf.text)
        known += len(leaf.text)
        if known >= size:
            break
    return "\0".join(pieces)


class Prefixes:
    """The blocks of each replica, by its address, least recently used ones forgotten beyond `capacity`."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._blocks: dict[str, OrderedDict[Hashable, None]] = {}

    def matched(self, address: str, chain: Chain) -> int:
        """How many blocks from the first on the replica probably has: ends are forgotten first, so what is known is a beginning."""
        known = self._blocks.get(address)
        if not known or not chain or chain[0] not in known:
            return 0
        low, high = 1, len(chain)
        while low < high:  # `bisect` with a key takes three times as long
            middle = (low + high) // 2
            if chain[middle] in known:
                low = middle + 1
            else:
                high = middle
        return low

    def size(self, address: str) -> int:
        return len(self._blocks.get(address, ()))

    def add(self, address: str, chain: Chain) -> None:
        """The replica reads this prompt now; of a chain the end is forgotten first."""
        known = self._blocks.setdefault(address, OrderedDict())
        for block in reversed(chain):
            known[block] = None
            known.move_to_end(block)
        while len(known) > self._capacity:
            known.popitem(last=False)

    def forget(self, address: str, chain: Chain) -> None:
        """The replica has failed to read this prompt."""
        known = self._blocks.get(address, OrderedDict())
        for block in chain:
            known.pop(block, None)

    def keep(self, addresses: Collection[str]) -> None:
        """Other replicas are gone, and their caches with them."""
        for address in self._blocks.keys() - set(addresses):
            del self._blocks[address]
