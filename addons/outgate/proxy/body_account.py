"""How many bytes of request bodies one worker holds, over all its exchanges.

A bound on each body bounds nothing where one connection has a hundred streams, and there are thousands of connections.
"""


class BodyAccount:
    """Bytes that are held, and the most that may be. Every `take` that was granted is followed by a `give`."""

    __slots__ = ("held", "limit")

    def __init__(self, limit: int) -> None:
        self.held = 0
        self.limit = limit

    def take(self, size: int) -> bool:
        """Count so many bytes more; False, and nothing is counted, where that would be more than may be held."""
        held = self.held + size
        if held > self.limit:
            return False
        self.held = held
        return True

    def give(self, size: int) -> None:
        self.held -= size
