"""The settings that listeners take from the policy at start and keep until the process is started again."""

from pathlib import Path

from outgate.policy.files import content_of
from outgate.policy.schema import GatewaySection


class AtStart:
    """The `gateway` section of the first policy, and what its `client_ca`, a path from `folder`, held then."""

    def __init__(self, gateway: GatewaySection, folder: Path) -> None:
        self._folder = folder
        self._taken = self._values(gateway)

    def changed(self, gateway: GatewaySection) -> tuple[str, ...]:
        """The keys of the policy that say otherwise now, and will be heard at the next start."""
        now = self._values(gateway)
        return tuple(name for name in now if now[name] != self._taken[name])

    def _values(self, gateway: GatewaySection) -> dict[str, object]:
        limits = {f"gateway.limits.{name}": value for name, value in gateway.limits.model_dump().items()}
        authorities = content_of(self._folder / gateway.client_ca) if gateway.client_ca else ""
        return {
            "gateway.listen": gateway.listen,
            "gateway.transparent": gateway.transparent,
            "gateway.secret": gateway.secret,
            "gateway.client_ca": (gateway.client_ca, authorities),
        } | limits
