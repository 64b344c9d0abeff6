"""Locate the files of a gateway: those in its state folder, and the certificate authority that it signs with.

The supervisor reads it too, so nothing of mitmproxy is imported here.
"""

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

WITH_KEY = "mitmproxy-ca.pem"
"""Key and certificate in one file, as mitmproxy reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The paths in a state folder."""

    state: Path

    def make(self) -> "Layout":
        """Create the folder, readable by its owner alone."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    @property
    def accounts(self) -> Path:
        return self.state / "accounts"

    @property
    def metrics(self) -> Path:
        return self.state / "metrics"

    @property
    def refused(self) -> Path:
        return self.state / "refused.sqlite"

    @property
    def ejections(self) -> Path:
        return self.state / "ejections.sqlite"

    @property
    def answers(self) -> Path:
        return self.state / "answers.sqlite"

    @property
    def said(self) -> Path:
        return self.state / "said"

    @property
    def models(self) -> Path:
        return self.state / "models.sock"


def authority_problem(folder: Path) -> str:
    """What is wrong with the authority in a folder, and what mends it; empty where it can be used.

    mitmproxy would silently make one of its own.
    """
    path = folder / WITH_KEY
    try:
        content = path.read_bytes()
    except OSError as error:
        return f"certs: {path} cannot be read ({error.strerror}); `outgate ca init --certs {folder}` makes one"
    try:
        key = load_pem_private_key(content, None)
        certificate = x509.load_pem_x509_certificate(content)
    except (TypeError, ValueError):
        return f"certs: {path} does not hold a key and a certificate"
    return "" if certificate.public_key() == key.public_key() else f"certs: the key in {path} is not that of its certificate"
