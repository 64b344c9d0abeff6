"""One client request as the boundary understood it, before any policy."""

from typing import NamedTuple

from outgate.errors import Denial
from outgate.net.connection import Connection
from outgate.net.headers import Headers


class Inbound(NamedTuple):
    """The head of a request. `destination` is the canonical `host:port` on which CONNECT, SNI, Host and URL agree; `problem` is
    set where they do not, or where the head is malformed.
    """

    connection: Connection
    method: str
    path: str
    headers: Headers
    destination: str
    problem: Denial | None = None
