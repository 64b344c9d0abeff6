"""A CA for the gateway, as `outgate ca init` makes it, and revocation lists of throwaway ones."""

import datetime as dt
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization


def make_ca(folder: Path) -> Path:
    """A new CA in this folder, unless it has one."""
    if not (folder / "mitmproxy-ca.pem").exists():
        spare = _spare()
        shutil.copytree(spare, folder, dirs_exist_ok=True)
        folder.chmod(spare.stat().st_mode & 0o777)
    return folder


def new_ca(folder: Path) -> Path:
    """A CA that no other test has."""
    outgate = Path(sys.executable).with_name("outgate")
    subprocess.run([str(outgate), "ca", "init", "--certs", str(folder)], check=True, capture_output=True)
    return folder


@cache
def _spare() -> Path:
    """One CA for the tests of this process: making one costs half a second."""
    return new_ca(Path(mkdtemp(prefix="outgate-ca-")))


def revoked(folder: Path, ca: trustme.CA, leaf: trustme.LeafCert) -> str:
    """A PEM file of the CA's revocation list, on which this certificate stands."""
    authority = x509.load_pem_x509_certificate(ca.cert_pem.bytes())
    key = serialization.load_pem_private_key(ca.private_key_pem.bytes(), None)
    serial = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number
    now = dt.datetime.now(dt.UTC)
    gone = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now - dt.timedelta(hours=1)).build()
    listed = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - dt.timedelta(hours=1))
        .next_update(now + dt.timedelta(days=1))
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .add_extension(x509.CRLNumber(1), critical=False)
        .add_revoked_certificate(gone)
        .sign(key, hashes.SHA256())
    )
    path = folder / "crl.pem"
    path.write_bytes(listed.public_bytes(serialization.Encoding.PEM))
    return str(path)
