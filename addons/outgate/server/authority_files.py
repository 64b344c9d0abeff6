"""Is there a certificate authority to sign the gateway's certificates with? mitmproxy would silently make one of its own."""

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

WITH_KEY = "mitmproxy-ca.pem"
"""Key and certificate in one file, as mitmproxy reads them."""


def authority_problem(folder: Path) -> str:
    """What is wrong with the authority in a folder, and what mends it; empty where it can be used."""
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
