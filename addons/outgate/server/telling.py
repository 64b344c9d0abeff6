"""Tell the supervisor of a worker's state: accounts, the model server that its policy needs, how attempts at providers end."""

from collections.abc import Callable

from outgate.metering.outages import Tally
from outgate.policy.live import LivePolicy
from outgate.upstreams.credentials import Credentials

type Tell = Callable[[str, str], None]
"""Takes a subject, and words about it."""


class Telling:
    """What one worker tells. Without `tell` nobody listens: the model server is kept by `alone`. `tally` counts its attempts."""

    def __init__(self, tell: Tell | None, alone: Callable[[], None]) -> None:
        self._tell = tell
        self._alone = alone
        self.tally = Tally()

    def accounts(self, reason: str) -> None:
        """They cannot be kept, for this reason; none: they can again."""
        if self._tell is not None:
            self._tell("accounts", reason)

    def needs_model_server(self) -> None:
        if self._tell is None:
            self._alone()
        else:
            self._tell("model_server", "")

    def providers(self, policy: LivePolicy | None, credentials: Credentials) -> None:
        """How attempts ended since the last time, and whose credential cannot be read."""
        troubles = ((each.name, credentials.trouble(each)) for each in (policy.catalog.backends if policy is not None else ()))
        for line in self.tally.lines({name: trouble for name, trouble in troubles if trouble}):
            if self._tell is not None:
                self._tell("provider", line)
