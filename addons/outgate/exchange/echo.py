"""Notice a provider that repeats the gateway's credential in the text of a stream, in however many pieces.

What comes in one piece is taken out of the bytes (`upstreams.scrubber`). Text that is cut into events is joined by its reader:
the answer ends once half of the credential has come, and what has left by then is no key.
"""

from collections.abc import Hashable, Sequence

from outgate.errors import WireError

_LEAST = 12


class Echo:
    """`secrets` are credentials without their scheme."""

    __slots__ = ("_halves", "_reach", "_tails")

    def __init__(self, secrets: Sequence[str]) -> None:
        self._halves = [secret[: max(_LEAST, len(secret) // 2)] for secret in secrets]
        self._reach = max(map(len, self._halves), default=1) - 1
        self._tails: dict[Hashable, str] = {}

    def see(self, part: Hashable, text: str) -> None:
        """More of one text of the answer. Raises WireError where it has come to hold half of a credential."""
        if not self._halves:
            return
        seen = self._tails.get(part, "") + text
        for half in self._halves:
            if half in seen:
                raise WireError("credential_echoed", "it repeats the gateway's own credential")
        self._tails[part] = seen[-self._reach :]
