"""Decide whether a refused CONNECT is told inside its tunnel, under a minted certificate, and what telemetry is told there.

Clients show nothing of a refused CONNECT, and try again for minutes; inside, they get an error of their SDK's own type. The tunnel
leads nowhere: `Exchange` refuses whatever is asked in it, under any policy. Minting costs 5 ms and is bounded by workload.
"""

from collections.abc import Container

from outgate.errors import Denial
from outgate.exchange.channel import End, Part, RequestHead, ResponseHead
from outgate.inference.principal import Principal
from outgate.net.authority import is_public_name, parse_authority
from outgate.net.patterns import covers
from outgate.policy.schema import GatewaySection, TelemetrySection

NO_DESTINATION = "destination_denied"
ANSWERED, SILENCED = "telemetry_answered", "telemetry_refused"
_MOST = 256


class RefusedNames:
    """Names of refused hosts for which a certificate may be minted, so many for each workload of a process at most."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._of: dict[str, set[str]] = {}

    def admits(self, gateway: GatewaySection, principal: Principal | None, destination: str, own: Container[str]) -> bool:
        """Whether this caller is told inside of it that it may not go there. `own` are names of the gateway itself."""
        host, port = parse_authority(destination)
        if not gateway.refuse_inside_tunnel or principal is None or port != 443:
            return False
        if not is_public_name(host) or host in own or covers(gateway.pinned_hosts, host):
            return False
        names = self._of.setdefault(principal.name, set())
        if host not in names and len(names) >= self._most:
            return False
        names.add(host)
        return True


def telemetry_outcome(telemetry: TelemetrySection, head: RequestHead, denial: Denial) -> str:
    """The outcome of what goes to a telemetry host of the policy; empty for all else. Only what no provider serves is that."""
    if denial.code != NO_DESTINATION or not (telemetry.answer or telemetry.silence):
        return ""
    host = parse_authority(head.destination).host
    if covers(telemetry.silence, host):
        return SILENCED
    return ANSWERED if head.method != "CONNECT" and covers(telemetry.answer, host) else ""


def telemetry_reply(head: RequestHead) -> list[Part]:
    """What satisfies exporters: an empty object to those that speak JSON, else no content."""
    said = " ".join((head.headers.get("content-type") or "", head.headers.get("accept") or ""))
    body = b"{}" if "json" in said else b""
    fields = [("content-type", "application/json"), ("content-length", "2")] if body else []
    if head.connection.refused:
        fields.append(("connection", "close"))
    return [ResponseHead(200 if body else 204, tuple(fields)), *([body] if body else []), End()]
