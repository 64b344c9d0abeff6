"""The addon of mitmproxy: judge connections, and start one exchange for each request.

The stages are its own ordered addons; they are not registered with mitmproxy, which would call them behind the plan's back.
"""

import logging
from asyncio import StreamWriter, Task, TimerHandle, get_running_loop
from collections.abc import Callable
from dataclasses import replace
from socket import gethostname
from weakref import WeakKeyDictionary

from mitmproxy import command, ctx, http
from mitmproxy.connection import Client
from mitmproxy.proxy import layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode, validate_request
from mitmproxy.proxy.server import ConnectionIO
from mitmproxy.tls import TlsData

from outgate.errors import Denial
from outgate.exchange.body import MemoryPool, RequestBody
from outgate.exchange.channel import RequestHead
from outgate.exchange.deps import NO_POLICY, ExchangeDeps
from outgate.exchange.exchange import Exchange
from outgate.exchange.refused_inside import RefusedNames
from outgate.exchange.tunnel import FAILED, Tunnel
from outgate.net.connection import Connection, Entry
from outgate.policy.schema import GatewaySection, LimitsSection
from outgate.proxy.destination import authority_of, connection_of, entry_of, request_head_of
from outgate.proxy.http1 import BoundedHttp1Server
from outgate.proxy.layers import ExchangeStream, install, layers_in, refusal
from outgate.proxy.outer_names import OuterNames
from outgate.proxy.shares import ConnectionShares
from outgate.proxy.tls import ClientIdentity, accept_in_tunnel, accept_outside, identity_of

_log = logging.getLogger(__name__)
_GRACE = 0.5
_FULL = Denial(
    code="connections_full", status=503, message="The gateway holds as many of your connections as it may.", retry_after=1
)


class Gateway:
    """`stream`: ObservedStream where mitmproxy's own addons (the views of mitmweb) are to see every flow. `finished` is told of
    every exchange, `identity` verifies client certificates.
    """

    def __init__(
        self,
        deps: ExchangeDeps,
        limits: LimitsSection,
        *,
        stream: type[ExchangeStream] = ExchangeStream,
        finished: Callable[[http.HTTPFlow, Exchange], None] | None = None,
        identity: ClientIdentity | None = None,
    ) -> None:
        self.deps = deps
        self.limits = limits
        self.stream = stream
        self.serves = stream is ExchangeStream
        self.exchanges: dict[Exchange, Client] = {}
        self.bodies = MemoryPool(limits.buffered_bytes)
        self.shares = ConnectionShares(limits.connections, _cut)
        self._deadlines: dict[Client, TimerHandle] = {}
        self._conns: WeakKeyDictionary[Client, Connection] = WeakKeyDictionary()
        self._certificates: WeakKeyDictionary[Client, str] = WeakKeyDictionary()
        self._names = RefusedNames()
        self._outer = OuterNames(deps.seconds)
        self._unused: WeakKeyDictionary[Client, Tunnel] = WeakKeyDictionary()
        self._lines: set[Task[None]] = set()
        self._identity = identity
        self._finished = finished
        ExchangeStream.factory = self
        BoundedHttp1Server.limits = limits

    # -- mitmproxy hooks ------------------------------------------------------------------------------------------------

    def client_connected(self, client: Client) -> None:
        if self.shares.connected(client):
            self._expect(client)
        else:
            client.error = "outgate: too many connections"

    async def http_connect(self, flow: http.HTTPFlow) -> None:
        """Judge a tunnel by the connection plan before it exists. mitmproxy would open it, were anything raised here."""
        request_id = self.deps.ids()
        try:
            denial = await self._judge_tunnel(flow, request_id)
        except Exception:
            _log.exception("CONNECT could not be judged")
            denial = FAILED
        if denial is not None:
            flow.response = refusal(denial, request_id, close=not self.shares.refused(flow.client_conn))
        self._expect(flow.client_conn)

    def tls_start_client(self, data: TlsData) -> None:
        client = data.context.client
        conn = self._conns.get(client)
        if conn is not None and conn.entry is Entry.CONNECT:
            accept_in_tunnel(data, conn.authority, http1=conn.refused)
        else:
            accept_outside(data, self._identity, named=self._has_own_leaf(client))

    def tls_established_client(self, data: TlsData) -> None:
        """The outer handshake's certificate; the inner one will reset what mitmproxy remembers of it."""
        assert isinstance(data.conn, Client)
        if self.shares.is_waiting(data.conn):
            self._expect(data.conn)
        if self._identity is not None and data.conn not in self._certificates:
            self._certificates[data.conn] = identity_of(data.conn)

    def tls_failed_client(self, data: TlsData) -> None:
        """The handshake with a client, which ends without a request and without a closing line."""
        client = data.context.client
        conn, peer = self._conns.get(client), client.peername
        destination = conn.authority if conn is not None else client.sni or ""
        self.deps.distrusted(self.shares.workload(client), peer[0] if peer else "", destination, client.error or "")

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Let mitmproxy choose the layer, then make HTTP layers hand over to exchanges."""
        if nextlayer.layer is None:
            ctx.master.addons.get("nextlayer").next_layer(nextlayer)
        install(nextlayer.layer)
        if any(isinstance(each, ClientTLSLayer) for each in layers_in(nextlayer.layer)):
            self._expect(nextlayer.context.client)

    def client_disconnected(self, client: Client) -> None:
        """The last resort: whatever still runs for a client that is gone is cancelled, also when a layer has crashed, and its
        socket is closed: mitmproxy forgets to, where it cancelled a reader that had more to tell.
        """
        self._arrived(client)
        self.shares.gone(client)
        self._conns.pop(client, None)
        tunnel = self._unused.pop(client, None)
        if tunnel is not None:
            task = get_running_loop().create_task(tunnel.unused())
            self._lines.add(task)
            task.add_done_callback(self._lines.discard)
        io = _transport_of(client)
        if io is not None and io.writer is not None:
            io.writer.close()
        for exchange in [each for each, owner in self.exchanges.items() if owner is client]:
            exchange.client_gone()

    @command.command("outgate.plan")
    def show_plan(self) -> str:
        """The ordered stages of every route of the live policy."""
        policy = self.deps.policy()
        if policy is None:
            return "no live policy"
        return "\n".join(f"{route.name}: {' → '.join(route.plan.order)}" for route in policy.routes)

    # -- exchanges -----------------------------------------------------------------------------------------------------

    def begin(self, context: Context, flow: http.HTTPFlow, invalid: str | None, body: bytes | Denial | None = None) -> Exchange:
        """Start the exchange of one request. `body` is given where it is there already, or why it is refused."""
        self._arrived(context.client)
        self.shares.begun(context.client)
        self._unused.pop(context.client, None)
        conn = self._connection(context, flow)
        head = request_head_of(context.client, flow.request, conn, invalid)
        return self._begun(flow, head, body, context.client)

    def again(self, flow: http.HTTPFlow, conn: Connection) -> Exchange:
        """Ask anew what a flow asks, under the policy of now, as whoever came by that connection, for no client."""
        invalid = validate_request(HTTPMode.transparent, flow.request, validate_inbound_headers=True)
        head = request_head_of(flow.client_conn, flow.request, conn, invalid)
        return self._begun(flow, head, flow.request.raw_content or b"", None)

    def _begun(self, flow: http.HTTPFlow, head: RequestHead, body: bytes | Denial | None, client: Client | None) -> Exchange:
        incoming = RequestBody(self.bodies, self.limits.largest, (head.connection.peer,))
        if isinstance(body, bytes):
            incoming.feed(body)
        if body is not None:
            incoming.end(body if isinstance(body, Denial) else None)
        exchange = Exchange(head, self.deps, incoming)
        if client is not None:
            self.exchanges[exchange] = client
        task: Task[None] = get_running_loop().create_task(exchange.run(), name=exchange.id)
        exchange.task = task
        task.add_done_callback(lambda _: self._done(flow, exchange))
        return exchange

    def drain(self) -> list[Task[None]]:
        """Every answer is the last on its connection from now on; the exchanges that still run."""
        BoundedHttp1Server.draining = True
        return [exchange.task for exchange in self.exchanges if exchange.task is not None]

    # -- deadlines of connections ---------------------------------------------------------------------------------------

    def _expect(self, client: Client) -> None:
        """A client that has connected, was given a tunnel or TLS, or was told that nobody knows it, must come to a handshake or a
        request in the time of a head. Where it has begun one, HTTP/1's own deadline answers it first.
        """
        self._arrived(client)
        self._deadlines[client] = get_running_loop().call_later(self.limits.head_seconds + _GRACE, self._give_up, client)

    def _arrived(self, client: Client) -> None:
        deadline = self._deadlines.pop(client, None)
        if deadline is not None:
            deadline.cancel()

    def _give_up(self, client: Client) -> None:
        self._deadlines.pop(client, None)
        _cut(client)

    def _done(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        client = self.exchanges.pop(exchange, None)
        if self._finished is not None:
            self._finished(flow, exchange)
        self._account(exchange, client)
        exchange.release()

    def _account(self, exchange: Exchange, client: Client | None) -> None:
        """The connection of an authenticated request is its workload's; any other has little time for its next one."""
        if client is None:
            return
        self.shares.ended(client)
        principal = exchange.execution.get("principal") if exchange.execution is not None else None
        if principal is not None:
            self.shares.prove(client)
            if exchange.head.connection.entry is not Entry.CONNECT:
                self._outer.prove(client.sni or "")
            if not self.shares.belongs_to(client, principal.name):
                _cut(client)
        elif self.shares.is_waiting(client):
            self._expect(client)

    def _connection(self, context: Context, flow: http.HTTPFlow) -> Connection:
        known = self._conns.get(context.client)
        if known is not None and known.entry is Entry.CONNECT:
            if known.sni or not context.client.sni:
                return known
            conn = replace(known, sni=(context.client.sni or "").lower())
        else:
            conn = connection_of(
                context.client, entry_of(context.client, flow.request), "", None, self._identity_of(context.client)
            )
        self._conns[context.client] = conn
        return conn

    def _identity_of(self, client: Client) -> str:
        return self._certificates.get(client, "")

    async def _judge_tunnel(self, flow: http.HTTPFlow, request_id: str) -> Denial | None:
        policy = self.deps.policy()
        if policy is None:
            return NO_POLICY
        authority = authority_of(flow.request)
        problem = authority if isinstance(authority, Denial) else None
        destination = "" if problem is not None else str(authority)
        secret = flow.request.headers.get("proxy-authorization")
        conn = connection_of(flow.client_conn, Entry.CONNECT, destination, secret, self._identity_of(flow.client_conn))
        conn = replace(conn, sni="")  # that of a TLS connection to the gateway itself is not the tunnel's
        tunnel = Tunnel(request_id, conn, destination, problem, self.deps)
        own = _own_names(policy.gateway, flow.client_conn.sni or "")
        denial = await tunnel.judge(policy, self._names, own)
        if denial is None and not self._admit(flow.client_conn, tunnel):
            denial = await tunnel.refuse(_FULL)
        if denial is None:
            self._outer.prove(flow.client_conn.sni or "")
            self._conns[flow.client_conn] = replace(conn, refused=tunnel.refused is not None)
            if tunnel.refused is not None:
                self._unused[flow.client_conn] = tunnel
        return denial

    def _admit(self, client: Client, tunnel: Tunnel) -> bool:
        principal = tunnel.execution.get("principal") if tunnel.execution is not None else None
        return principal is None or self.shares.belongs_to(client, principal.name)

    def _has_own_leaf(self, client: Client) -> bool:
        """Whether its certificate, outside of any tunnel, is one for the name that it asks for."""
        policy, name, peer = self.deps.policy(), client.sni or "", client.peername
        if not name or policy is None:
            return False
        known = name.lower() in _own_names(policy.gateway) or policy.destination(f"{name.lower()}:443") is not None
        return known or self._outer.admits(name, peer[0] if peer else "")


def _own_names(gateway: GatewaySection, sni: str = "") -> frozenset[str]:
    """Names of the gateway itself, that of a TLS connection to it among them."""
    return frozenset({gateway.listen.rpartition(":")[0], sni.lower(), gethostname().lower()})


def _cut(client: Client) -> None:
    """Close a connection that has nothing more to be told: what still waits to be read by it is thrown away."""
    io = _transport_of(client)
    if io is None:
        return
    if io.handler is not None:
        io.handler.cancel("no longer wanted")
    if isinstance(io.writer, StreamWriter):
        io.writer.transport.abort()


def _transport_of(client: Client) -> ConnectionIO | None:
    handler = ctx.master.addons.get("proxyserver").connections.get(client.id)
    return handler.transports.get(client) if handler is not None else None
