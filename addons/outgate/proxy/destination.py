"""Determine the destination on which all of a client's names agree: CONNECT, SNI, Host or :authority, and the URL.

The destination decides nothing by itself: it is only looked up in the policy. What disagrees is refused (421), since a guard that
judges one name while another is called is no guard. Sources: RFC 9110 section 7.2, RFC 9113 section 8.3.1.
"""

import re

from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy.mode_specs import TransparentMode

from outgate.errors import Denial, WireError
from outgate.exchange.channel import RequestHead
from outgate.net.authority import Authority, parse_authority
from outgate.net.connection import Connection, Entry
from outgate.net.headers import Headers
from outgate.net.secret import Secret

STATUS = {"names_disagree": 421}
"""Of what disagrees (RFC 9110 section 15.5.20); 400 of what cannot be read."""
_UPGRADES = frozenset({"upgrade", "http2-settings", "sec-websocket-key"})
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_MALFORMED = Denial(code="malformed_request", status=400, message="The request head is malformed.")
_VERSION = Denial(code="http_version", status=505, message="The gateway speaks HTTP/1.1 and HTTP/2.")


def entry_of(client: Client, request: http.Request) -> Entry:
    """How a request outside a CONNECT tunnel came in."""
    if isinstance(client.proxy_mode, TransparentMode):
        return Entry.TRANSPARENT
    return Entry.ABSOLUTE if request.authority and not request.is_http2 else Entry.BASE_URL


def authority_of(request: http.Request) -> Authority | Denial:
    """The destination a CONNECT asks for (RFC 9110 section 9.3.6). A Host beside it names the same one, with or
    without its port: Node sends `CONNECT name:80` with `Host: name`.
    """
    try:
        asked = parse_authority(request.authority or "", default_port=443)
        hosts = request.headers.get_all("host")
        if len(hosts) > 1 or any(parse_authority(host, default_port=asked.port) != asked for host in hosts):
            raise WireError("names_disagree", "CONNECT and Host must name the same destination.")
    except WireError as error:
        return _refused(error)
    return asked


def connection_of(client: Client, entry: Entry, authority: str, proxy_authorization: str | None, certificate: str) -> Connection:
    """The fact `conn` of a client connection."""
    return Connection(
        peer=client.peername[0] if client.peername else "",
        entry=entry,
        authority=authority,
        sni=(client.sni or "").lower(),
        proxy_authorization=Secret(proxy_authorization) if proxy_authorization else None,
        certificate=certificate,
    )


def request_head_of(client: Client, request: http.Request, conn: Connection, invalid: str | None) -> RequestHead:
    """The head of a request, with the destination on which all its names agree, or the problem."""
    headers = Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.fields])
    problem = _MALFORMED if invalid else _malformed(client, request, headers)
    destination = ""
    if problem is None:
        try:
            destination = str(_agreed(client, request, conn, headers))
        except WireError as error:
            problem = _refused(error)
    if problem is None and headers.has_any(_UPGRADES):
        problem = Denial(
            code="upgrade_denied", status=426, message="The gateway speaks HTTP/1.1 and HTTP/2, no WebSocket and no other upgrade."
        )
    path = request.data.path.decode("latin-1")
    if problem is None and not path.startswith("/"):
        problem = Denial(code="malformed_request", status=400, message="The request target is not in origin form.")
    # As it was spelled: methods are case-sensitive (RFC 9110 section 9.1), and mitmproxy would give every one in capitals.
    return RequestHead(conn, request.data.method.decode("latin-1"), path, headers, destination, problem)


def _malformed(client: Client, request: http.Request, headers: Headers) -> Denial | None:
    """What mitmproxy lets pass: other versions than the connection's own, control characters and folded lines in fields (RFC 9110
    section 5.5), codings of the transfer beyond `chunked`.
    """
    if request.data.http_version != (b"HTTP/2.0" if client.alpn == b"h2" else b"HTTP/1.1"):
        return _VERSION
    if _CONTROLS.search(b" ".join([value for _, value in request.headers.fields])):
        return _MALFORMED
    codings = headers.all("transfer-encoding") if "transfer-encoding" in headers else ()
    return _MALFORMED if any(coding.lower() != "chunked" for coding in codings) else None


def _refused(error: WireError) -> Denial:
    return Denial(code=error.code, status=STATUS.get(error.code, 400), message=str(error))


def _agreed(client: Client, request: http.Request, conn: Connection, headers: Headers) -> Authority:
    """Raises WireError `names_disagree`, or what the authority parser finds."""
    tls = client.tls_established and conn.entry is not Entry.ABSOLUTE
    port = 443 if request.scheme == "https" or (tls and not request.scheme) else 80
    hosts = headers.all("host")
    if len(hosts) > 1 or "" in hosts or (not hosts and not request.authority):
        raise WireError("bad_host", "The request must have exactly one Host.")
    names = [parse_authority(name, default_port=port) for name in (*hosts, request.authority) if name]
    if conn.authority:
        names.append(parse_authority(conn.authority, default_port=443))
    first = names[0]
    if any(name != first for name in names[1:]) or (conn.sni and tls and conn.sni.rstrip(".") != first.host):
        raise WireError("names_disagree", "CONNECT, SNI, Host and URL must name the same destination.")
    return first
