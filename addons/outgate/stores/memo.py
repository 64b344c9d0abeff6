"""Memo of pure results about text: by keyed hash of the text, per tenant, bounded in size and age.

An agent sends its whole history again with every turn, so each leaf is judged once and looked up after that. The key is random and
of this process: what a memo holds can be neither guessed nor compared between processes.
"""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from outgate.inference.prompt import Prompt

DIGEST, _BLOCK = 16, 64
_ENTRY = 280
"""Bytes an entry costs besides its value: key, tuple, link."""


class Memo:
    """A least-recently-used memory of pure results. `key` is random, 16 to 64 bytes; `max_bytes` counts values as given to `put`.

    `kind` names what was computed *and its revision*: a result under another revision is another result. Not thread-safe.
    """

    def __init__(self, key: bytes, *, max_bytes: int = 16 * 1024 * 1024, max_entries: int = 65_536) -> None:
        self._hash = sha256(key.ljust(_BLOCK, b"\0"))  # processors have instructions for it: half of what blake2b takes
        self._max_bytes, self._max_entries = max_bytes, max_entries
        self._entries: OrderedDict[bytes, tuple[Any, int]] = OrderedDict()
        self._prompts: WeakKeyDictionary[Prompt, tuple[bytes, ...]] = WeakKeyDictionary()
        self._spaces: dict[tuple[str, str], bytes] = {}
        self._bytes = 0

    def __repr__(self) -> str:
        return f"Memo({len(self._entries)} entries, {self._bytes} bytes)"

    @property
    def entries(self) -> int:
        """Results remembered."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes in use, as accounted."""
        return self._bytes

    def digest(self, text: str) -> bytes:
        """The keyed hash of a text, 16 bytes."""
        hashed = self._hash.copy()
        hashed.update(text.encode("utf-8", "surrogatepass"))
        return hashed.digest()[:DIGEST]

    def digests(self, prompt: Prompt, base: Prompt | None = None) -> tuple[bytes, ...]:
        """The digest of each leaf, computed once for a Prompt, and only for what differs from `base`, from which it was made."""
        known = self._prompts.get(prompt)
        if known is None:
            known = self._derived(prompt, base) if base is not None else self._computed(prompt)
            self._prompts[prompt] = known
        return known

    def get(self, tenant: str, kind: str, digest: bytes) -> Any | None:
        """The value put under this digest; None where there is none."""
        return self.get_many(tenant, kind, (digest,))[0]

    def get_many(self, tenant: str, kind: str, digests: Sequence[bytes]) -> list[Any | None]:
        """The values put under these digests, None where there is none."""
        space, entries = self._space(tenant, kind), self._entries
        found: list[Any | None] = []
        for digest in digests:
            key = space + digest
            entry = entries.get(key)
            if entry is None:
                found.append(None)
            else:
                entries.move_to_end(key)
                found.append(entry[0])
        return found

    def put(self, tenant: str, kind: str, digest: bytes, value: Any, size: int = 0) -> None:
        """Remember a value of `size` bytes. None cannot be told from an absent one, so it is not remembered."""
        if value is None:
            return
        key = self._space(tenant, kind) + digest
        cost = size + _ENTRY
        old = self._entries.pop(key, None)
        self._bytes += cost - (old[1] if old is not None else 0)
        self._entries[key] = (value, cost)
        while self._bytes > self._max_bytes or len(self._entries) > self._max_entries:
            _, (_, freed) = self._entries.popitem(last=False)
            self._bytes -= freed

    def _space(self, tenant: str, kind: str) -> bytes:
        space = self._spaces.get((tenant, kind))
        if space is None:
            if len(self._spaces) >= self._max_entries:
                self._spaces.clear()
            space = self._spaces[tenant, kind] = self.digest(f"{len(tenant)}:{tenant}{kind}")
        return space

    def _computed(self, prompt: Prompt) -> tuple[bytes, ...]:
        copy = self._hash.copy
        digests = []
        for leaf in prompt.leaves:
            hashed = copy()
            hashed.update(leaf.text.encode("utf-8", "surrogatepass"))
            digests.append(hashed.digest()[:DIGEST])
        return tuple(digests)

    def _derived(self, prompt: Prompt, base: Prompt) -> tuple[bytes, ...]:
        known = self.digests(base)
        if len(known) != len(prompt.leaves):
            return self._computed(prompt)
        pairs = zip(prompt.leaves, base.leaves, known, strict=True)
        return tuple(digest if new is old else self.digest(new.text) for new, old, digest in pairs)
