"""Client connection: what is known of it before any request is read."""

from dataclasses import dataclass
from enum import StrEnum

from outgate.net.secret import Secret


class Entry(StrEnum):
    """How the workload reached the gateway."""

    CONNECT = "connect"
    ABSOLUTE = "absolute_form"
    BASE_URL = "base_url"
    TRANSPARENT = "transparent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The fact `conn`: peer address, how it entered, the authority of CONNECT, the SNI of its ClientHello, and what it presented.

    `proxy_authorization` is the raw header value of CONNECT; it is judged again on every exchange, so that revoking a workload
    reaches tunnels that are already open. `certificate` is the SPIFFE id or subject of a verified client certificate. `refused`: it
    is a tunnel that leads nowhere, opened only to say so inside.
    """

    peer: str = ""
    entry: Entry = Entry.CONNECT
    authority: str = ""
    sni: str = ""
    proxy_authorization: Secret | None = None
    certificate: str = ""
    refused: bool = False
