"""A TLS 1.3 client that changes its own keys whenever it likes (RFC 8446 sections 4.6.3, 5 and 7), which no library offers.

    client = KeyUpdates(link, gateway.ca, "api.openai.com", folder)
    client.say(client.updates(3), client.record(b"GET / HTTP/1.1 ..."))
    client.hear(b"HTTP/1.1 200")

The handshake, and all that the gateway says, is left to `ssl`; what is said to it is sealed here, with the secret that `ssl` logs.
"""

import hashlib
import hmac
import socket
import ssl
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_SUITE, _HASH, _KEY_BYTES = "TLS_AES_256_GCM_SHA384", hashlib.sha384, 32
_APPLICATION_DATA, _HANDSHAKE, _KEY_UPDATE = 23, 22, 24


class KeyUpdates:
    """`link` is a socket in a tunnel, `heard` what came of it, `received` its bytes on the wire since the handshake. Raises
    AssertionError where another suite is agreed on.
    """

    def __init__(self, link: socket.socket, ca: Path, name: str, folder: Path) -> None:
        self.heard, self.received = b"", 0
        self.link = link
        self._incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        context = ssl.create_default_context(cafile=str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.keylog_filename = str(folder / "keys")
        self._tls = context.wrap_bio(self._incoming, outgoing, server_hostname=name)
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                link.sendall(outgoing.read())
                self._incoming.write(link.recv(65536))
            else:
                break
        link.sendall(outgoing.read())
        assert self._tls.cipher()[0] == _SUITE
        logged = dict(line.split()[::2] for line in (folder / "keys").read_text().splitlines() if line[0] != "#")
        self._take(bytes.fromhex(logged["CLIENT_TRAFFIC_SECRET_0"]))

    def record(self, data: bytes, kind: int = _APPLICATION_DATA) -> bytes:
        """One record of up to 16 KB."""
        inner = data + bytes([kind])
        head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
        nonce = (self._iv ^ self._sent).to_bytes(12)
        self._sent += 1
        return head + self._aead.encrypt(nonce, inner, head)

    def updates(self, count: int, *, requested: bool = True) -> bytes:
        """So many KeyUpdates, a record each, as they must be: every one is sealed with the keys of the one before."""
        return b"".join(self._update(requested=requested) for _ in range(count))

    def say(self, *records: bytes) -> None:
        self.link.sendall(b"".join(records))

    def hear(self, words: bytes, count: int = 1) -> bool:
        """Read until these words have been heard so often, or the connection ends."""
        while self.heard.count(words) < count:
            try:
                self.heard += self._tls.read(65536)
            except ssl.SSLWantReadError:
                data = self.link.recv(65536)
                if not data:
                    return False
                self.received += len(data)
                self._incoming.write(data)
            except ssl.SSLError:
                return False
        return True

    def receive(self, size: int) -> None:
        """Read until so many bytes have come. Raises TimeoutError, ConnectionError."""
        while self.received < size:
            data = self.link.recv(65536)
            if not data:
                raise ConnectionError
            self.received += len(data)
            self._incoming.write(data)

    def _update(self, *, requested: bool) -> bytes:
        sealed = self.record(bytes([_KEY_UPDATE, 0, 0, 1, requested]), _HANDSHAKE)
        self._take(_expanded(self._secret, b"traffic upd", _HASH().digest_size))
        return sealed

    def _take(self, secret: bytes) -> None:
        self._secret, self._sent = secret, 0
        self._aead = AESGCM(_expanded(secret, b"key", _KEY_BYTES))
        self._iv = int.from_bytes(_expanded(secret, b"iv", 12))


def _expanded(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label of no context, for no more than one block (RFC 8446 section 7.1)."""
    label = b"tls13 " + label
    return hmac.digest(secret, size.to_bytes(2) + bytes([len(label)]) + label + b"\x00\x01", _HASH)[:size]
