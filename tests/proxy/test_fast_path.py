"""The fast path: the connections that have one; it decrypts and encrypts as the layers would."""

import contextlib
import ssl

import pytest
import trustme
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers import ClientTLSLayer, HttpLayer, ServerTLSLayer
from mitmproxy.proxy.layers.http import HTTPMode, HttpStream
from mitmproxy.proxy.layers.modes import HttpProxy
from mitmproxy.test.tflow import tclient_conn
from OpenSSL import SSL

from outgate.proxy.fast_path import FastPath


class Pair:
    """A client and the server's end of one TLS connection, their hands shaken."""

    def __init__(self):
        authority, serving, trusting = trustme.CA(), SSL.Context(SSL.TLS_SERVER_METHOD), ssl.create_default_context()
        authority.issue_cert("api.openai.com").configure_cert(serving)
        authority.configure_trust(trusting)
        self.server = SSL.Connection(serving)
        self.server.set_accept_state()
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trusting.wrap_bio(self.inward, self.outward, server_hostname="api.openai.com")
        for _ in range(4):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            with contextlib.suppress(SSL.WantReadError, SSL.Error):
                self.server.bio_write(self.outward.read())
            with contextlib.suppress(SSL.WantReadError):
                self.server.do_handshake()
            with contextlib.suppress(SSL.WantReadError):
                self.inward.write(self.server.bio_read(65535))
        self.hears(b"")

    def says(self, data):
        self.client.write(data)
        return self.outward.read()

    def hears(self, data):
        self.inward.write(data)
        heard = b""
        with contextlib.suppress(ssl.SSLWantReadError):
            while piece := self.client.read(65536):
                heard += piece
        return heard


@pytest.fixture
def pair():
    return Pair()


@pytest.fixture
def fast_path(pair):
    return FastPath(pair.server, http=None)


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 200_000])
def test_what_the_client_says_is_heard_whole(pair, fast_path, size):
    said = bytes(range(256)) * (size // 256 + 1)

    assert (said[:size], True) == fast_path.decrypt(pair.says(said[:size]))


def test_half_a_record_is_waited_for(pair, fast_path):
    data = pair.says(b"prompt")

    assert [(b"", True), (b"prompt", True)] == [fast_path.decrypt(data[:9]), fast_path.decrypt(data[9:])]


@pytest.mark.parametrize("size", [1, 16_384, 16_385, 200_000])
def test_what_is_said_to_the_client_arrives_whole(pair, fast_path, size):
    assert size == len(pair.hears(fast_path.encrypt(b"x" * size)))


def test_the_end_of_tls_is_left_to_the_layers_and_nothing_before_it_is_lost(pair, fast_path):
    last = pair.says(b"last words")
    with contextlib.suppress(ssl.SSLWantReadError):
        pair.client.unwrap()

    assert (b"last words", False) == fast_path.decrypt(last + pair.outward.read())


def test_attack_a_record_that_was_tampered_with_says_nothing_and_is_left_to_the_layers(pair, fast_path):
    data = bytearray(pair.says(b"prompt"))
    data[-1] ^= 1

    assert (b"", False) == fast_path.decrypt(bytes(data))


def test_plain_connections_pass_as_they_are():
    fast_path = FastPath(None, http=None)

    assert ((b"GET", True), b"HTTP/1.1 200 OK") == (fast_path.decrypt(b"GET"), fast_path.encrypt(b"HTTP/1.1 200 OK"))


def stack(*kinds):
    """A stack of layers as mitmproxy nests them, its last the HTTP layer that is asked about."""
    context = Context(tclient_conn(), Options())
    HttpProxy(context)
    for kind in kinds:
        if kind is HttpLayer:
            HttpLayer(context, HTTPMode.regular)
        elif kind is HttpStream:
            HttpStream(context, 1)
        else:
            made = kind(context)
            made.tls = object()
    return context.layers


@pytest.mark.parametrize(
    ("kinds", "shielded"),
    [
        ((HttpLayer,), False),
        ((ClientTLSLayer, HttpLayer), True),
        ((HttpLayer, HttpStream, HttpLayer), False),
        ((HttpLayer, HttpStream, ServerTLSLayer, ClientTLSLayer, HttpLayer), True),
    ],
    ids=["plain", "tls to the gateway", "plain in a tunnel", "tls in a tunnel"],
)
def test_a_connection_has_a_fast_path(kinds, shielded):
    layers = stack(*kinds)
    fast_path = FastPath.to(layers, layers[-1])

    assert (layers[-1], shielded) == (fast_path.http, fast_path.tls is not None)


@pytest.mark.parametrize(
    "kinds",
    [
        (ClientTLSLayer, HttpLayer, HttpStream, HttpLayer),
        (ClientTLSLayer, HttpLayer, HttpStream, ServerTLSLayer, ClientTLSLayer, HttpLayer),
    ],
    ids=["a tunnel inside of tls", "tls inside of tls"],
)
def test_attack_nothing_leaves_a_tunnel_inside_of_tls_unframed(kinds):
    layers = stack(*kinds)

    assert FastPath.to(layers, layers[-1]) is None
