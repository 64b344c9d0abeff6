import pytest
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.test import tflow

from outgate.proxy.layers import own
from outgate.server.sentinel import Sentinel


def live(flow):
    flow.live = True
    return flow


@pytest.mark.parametrize("alive", [True, False])
@pytest.mark.parametrize(
    ("hook", "make"),
    [
        ("tcp_start", tflow.ttcpflow),
        ("udp_start", tflow.tudpflow),
        ("dns_request", tflow.tdnsflow),
        ("websocket_start", tflow.twebsocketflow),
    ],
)
def test_every_protocol_but_http_is_killed(hook, make, alive):
    flow = live(make())
    getattr(Sentinel(lambda: alive), hook)(flow)

    assert flow.error.msg == flow.error.KILLED_MESSAGE


@pytest.mark.parametrize("alive", [True, False])
def test_no_server_connection_is_ever_opened(alive):
    flow = tflow.tflow()
    data = ServerConnectionHookData(client=flow.client_conn, server=flow.server_conn)
    Sentinel(lambda: alive).server_connect(data)

    assert data.server.error


@pytest.mark.parametrize(
    ("alive", "owned", "replayed", "status"),
    [(True, True, False, None), (True, False, False, 503), (False, True, False, 503), (True, True, True, 503)],
)
@pytest.mark.parametrize("hook", ["requestheaders", "request"])
def test_a_request_passes_only_where_a_live_plan_owns_it_and_it_is_no_replay(hook, alive, owned, replayed, status):
    flow = live(tflow.tflow())
    if owned:
        own(flow)
    flow.is_replay = "request" if replayed else None
    getattr(Sentinel(lambda: alive), hook)(flow)

    assert (flow.response.status_code if flow.response else None) == status


def test_a_copy_of_an_owned_flow_is_nobodys():
    flow = live(tflow.tflow())
    own(flow)
    copy = flow.copy()
    Sentinel(lambda: True).request(copy)

    assert copy.response.status_code == 503


@pytest.mark.parametrize(("alive", "status"), [(True, None), (False, 503)])
def test_a_tunnel_needs_a_live_plan(alive, status):
    flow = live(tflow.tflow())
    Sentinel(lambda: alive).http_connect(flow)

    assert (flow.response.status_code if flow.response else None) == status
